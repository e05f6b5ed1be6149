"""Apache TVM, from the formula, compiled without a schedule."""

import numpy as np
import tvm
from tvm import te

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.tvm_unscheduled import llvm
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class TvmUnscheduled(Implementation):
    """The formula itself as a plain loop nest of Apache TVM, unscheduled, compiled by LLVM: nothing is copied."""

    workload = "sliding_channel_conv2d"
    requires = ("apache-tvm",)
    note = (
        "Timed: the compiled function, on one thread on every target since an unscheduled loop nest is serial, and a "
        "new output. It reads each filter's first channel from a table; a bias is added last, in a pass of its own."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        if case.dtype not in ("float32", "float64"):
            return f"TVM runs no {case.dtype} here"
        return None if case.passes == "forward" else "TVM computes no gradients here"

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: SlidingChannelConv2dCase = problem.case
        compiled = tvm.compile(_function(case), llvm(target))["main"]
        # TVM's code takes only aligned, contiguous arrays.
        x = tvm.runtime.from_dlpack(problem.lay_out("x", (0, 1, 2, 3)))
        starts = np.array(case.windows.starts, np.int32)
        constants = [tvm.runtime.tensor(array) for array in (starts, *problem.constants.values())]

        def call() -> Array:
            y = tvm.runtime.empty(case.output_shape, case.dtype)
            compiled(x, *constants, y)
            return np.from_dlpack(y)

        return call


def _function(case: SlidingChannelConv2dCase) -> tvm.tirx.PrimFunc:
    """Return the function of (x, starts, weight, bias if there is one) that writes its last parameter, y."""
    x = te.placeholder(case.input_shape, case.dtype, "x")
    starts = te.placeholder((case.cout,), "int32", "starts")
    weight = te.placeholder(case.weight_shape, case.dtype, "weight")
    k = te.reduce_axis((0, case.windows.width), "k")
    y = te.compute(
        case.output_shape,
        lambda n, i, h, w: te.sum(weight[i, k] * x[n, (starts[i] + k) % case.cin, h, w], axis=k),
        "y",
    )
    if not case.bias:
        return te.create_prim_func([x, starts, weight, y])
    bias = te.placeholder((case.cout,), case.dtype, "bias")
    biased = te.compute(case.output_shape, lambda n, i, h, w: y[n, i, h, w] + bias[i], "biased")
    return te.create_prim_func([x, starts, weight, bias, biased])
