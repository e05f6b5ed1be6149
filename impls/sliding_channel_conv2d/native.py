"""The project's own kernels for the CPU."""

import numpy as np

from bench.core.implementation import Implementation, with_facts
from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.native.library import unavailable
from impls.native.sparse_pointwise import SparsePointwise
from impls.sliding_channel_conv2d._passes import prepare_passes
from impls.sliding_channel_conv2d.layer.backends import BACKENDS
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class Native(Implementation):
    """Featherbench's own C++ kernels: filters whose windows overlap share one copy of their input."""

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    note = (
        "Strips of input are copied into a workspace of tens of kilobytes (for dW half a megabyte), which stays and "
        "shows as prepared memory; nothing else is made. Forward: from NCHW to a new NCHW output, the weight packed "
        "untimed. Backward and train: the layer's backend under autograd, which packs the weight in the timed call."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return "the native kernels take float32 only" if case.dtype != "float32" else unavailable()

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: SlidingChannelConv2dCase = problem.case
        if case.passes != "forward":
            return prepare_passes(problem, target, BACKENDS["native"])
        kernels = SparsePointwise(case.windows.channels, case.cin, target.isa, len(target.cores))
        weight, bias = problem.constants["weight"], problem.constants.get("bias")
        packed = kernels.packed(weight, bias, case.h * case.w)
        x = problem.inputs["x"]

        def call() -> Array:
            y: Array = packed(np.ascontiguousarray(x))
            return y

        return with_facts(call, {"native kernels": kernels.isa})
