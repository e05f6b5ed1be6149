"""Our own kernels in C++, with and without Winograd's algorithm."""

from bench.core.implementation import Implementation, with_facts
from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase
from impls.native.grouped import Geometry, GroupedConv2d
from impls.native.library import unavailable


class Native(Implementation):
    """Featherbench's own C++ kernels: register tiles along rows or across filters, whichever suits the shape."""

    workload = "grouped_conv2d"
    note = (
        "Timed: the whole call, from NCHW to a new NCHW output. Inputs are read where they lie, or strips of them are "
        "copied into a workspace of up to 250 KiB, which stays and shows as prepared memory; nothing else is made. "
        "Packing of weights is not timed, nor the race between tile shapes, which takes some tenths of a second."
    )
    winograd = False
    variants = {
        "native": {},
        "native_winograd": {
            "winograd": True,
            "summary": "Featherbench's own C++ kernels, with Winograd's algorithm: fewer multiplications than the "
            "formula, a larger error.",
            "note": "Another class of algorithm than direct convolution: with tiles of 2 x 2 or 4 x 4 outputs, "
            "whichever is faster for the shape, it multiplies 2.25 or 4 times less often than its FLOP, which go by "
            "formula, and with 4 x 4 rounds worse. Timed: the whole call, from NCHW to a new NCHW output, with the "
            "transforms of input and output. Those of the weights are not; they take 1.8 or 4 times the weights' "
            "memory. A workspace of up to 1 MiB stays and shows as prepared memory.",
        },
    }

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        if self.winograd and (reason := unsupported_by_winograd(case)):
            return reason
        return "the native kernels take float32 only" if case.dtype != "float32" else unavailable()

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: GroupedConv2dCase = problem.case
        geometry = Geometry(case.weight_shape, case.groups, (case.h, case.w), case.stride, case.padding, case.dilation)
        weight, bias = problem.constants["weight"], problem.constants.get("bias")
        threads = len(target.cores)
        convolution = GroupedConv2d(weight, bias, geometry, isa=target.isa, threads=threads, winograd=self.winograd)
        x = problem.inputs["x"]

        def call() -> Array:
            return convolution(x)

        return with_facts(call, {"native kernels": f"{convolution.isa}: {convolution.plan}"})


def unsupported_by_winograd(case: GroupedConv2dCase) -> str | None:
    """Return why Winograd's algorithm cannot run a case, or gains nothing there, or None."""
    if (case.kernel, case.stride, case.dilation) != ((3, 3), (1, 1), (1, 1)):
        return "Winograd's algorithm needs a 3x3 kernel with stride and dilation 1"
    if min(case.cin, case.cout) < 12 * case.groups:
        return "with fewer than 12 channels per group the transforms cost more than the products that they save"
    return None
