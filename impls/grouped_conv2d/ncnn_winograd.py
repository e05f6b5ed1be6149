"""ncnn with Winograd."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.ncnn import prepare_net, unsupported
from impls.grouped_conv2d.workload import GroupedConv2dCase


class NcnnWinograd(Implementation):
    """A one-layer net run by ncnn with Winograd's algorithm: fewer multiplications than the formula, a larger error."""

    workload = "grouped_conv2d"
    requires = ("ncnn",)
    note = (
        "Another class of algorithm than direct convolution: it multiplies 2.25 to 5 times less often than its FLOP, "
        "which go by formula, and rounds worse. Timed: as for ncnn, with the transforms of input and output. Those of "
        "the weights are not; ncnn keeps them for three sizes of tile, which takes up to 13 times the weights' memory."
    )

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        if (case.kernel, case.stride, case.dilation) != ((3, 3), (1, 1), (1, 1)):
            return "ncnn's Winograd needs a 3x3 kernel with stride and dilation 1"
        if max(case.cin, case.cout) <= 8 * case.groups:
            return "ncnn uses Winograd only where a group has more than 8 channels in or out"
        return unsupported(case)

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_net(problem, target, winograd=True)
