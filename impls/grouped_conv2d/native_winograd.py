"""Our own kernels, with Winograd's algorithm."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.native import prepare_convolution, unsupported
from impls.grouped_conv2d.workload import GroupedConv2dCase


class NativeWinograd(Implementation):
    """Our own kernels in C++, with Winograd's algorithm: fewer multiplications than the formula, a larger error."""

    workload = "grouped_conv2d"
    note = (
        "Another class of algorithm than direct convolution: with tiles of 2 x 2 or 4 x 4 outputs, whichever is faster "
        "for the shape, it multiplies 2.25 or 4 times less often than its FLOP, which go by formula, and with 4 x 4 "
        "rounds worse. Timed: the whole call, from NCHW to a new NCHW output, with the transforms of input and output. "
        "Those of the weights are not; they take 1.8 or 4 times the weights' memory. A workspace of up "
        "to 1 MiB stays and shows as prepared memory."
    )

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        if (case.kernel, case.stride, case.dilation) != ((3, 3), (1, 1), (1, 1)):
            return "Winograd's algorithm needs a 3x3 kernel with stride and dilation 1"
        if min(case.cin, case.cout) < 12 * case.groups:
            return "with fewer than 12 channels per group the transforms cost more than the products that they save"
        return unsupported(case)

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_convolution(problem, target, winograd=True)
