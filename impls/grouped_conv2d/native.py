"""Our own kernels in C++."""

from bench.core.implementation import Implementation, with_facts
from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase
from impls.native.grouped import Geometry, GroupedConv2d
from impls.native.library import unavailable


class Native(Implementation):
    """Our own kernels in C++: register tiles along rows or across filters, whichever is fastest for the shape."""

    workload = "grouped_conv2d"
    note = (
        "Timed: the whole call, from NCHW to a new NCHW output. Inputs are read where they lie, or strips of them are "
        "copied into a workspace of up to 250 KiB, which stays and shows as prepared memory; nothing else is made. "
        "Packing of weights is not timed, nor the race between tile shapes, which takes some tenths of a second."
    )

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        return unsupported(case)

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_convolution(problem, target, winograd=False)


def unsupported(case: GroupedConv2dCase) -> str | None:
    """Return why the kernels cannot run a case on this machine, or None."""
    return "the native kernels take float32 only" if case.dtype != "float32" else unavailable()


def prepare_convolution(problem: Problem, target: Target, winograd: bool) -> Call:
    """Pack the weights and return a call of the kernels, with the plan that it uses as a fact."""
    case: GroupedConv2dCase = problem.case
    geometry = Geometry(case.weight_shape, case.groups, (case.h, case.w), case.stride, case.padding, case.dilation)
    weight, bias = problem.constants["weight"], problem.constants.get("bias")
    threads = len(target.cores)
    convolution = GroupedConv2d(weight, bias, geometry, isa=target.isa, threads=threads, winograd=winograd)
    x = problem.inputs["x"]

    def call() -> Array:
        return convolution(x)

    return with_facts(call, {"native kernels": f"{convolution.isa}: {convolution.plan}"})
