"""Apache TVM's stock convolutions, compiled without a schedule."""

import numpy as np
import tvm
from tvm import te, topi

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase


class TvmUnscheduled(Implementation):
    """Apache TVM's definition of the convolution (topi) as a plain loop nest, without a schedule, compiled by LLVM."""

    workload = "grouped_conv2d"
    requires = ("apache-tvm",)
    note = (
        "Timed: the compiled function, on one thread on every target since an unscheduled loop nest is serial. It pads "
        "into a buffer of its own first and adds a bias in a pass of its own last. Input and output are NCHW, the "
        "output new at each call. Compiling is not timed. What TVM does with a schedule is not measured here."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        return compiled(definition(problem.case), problem, target)


def compiled(function: tvm.tirx.PrimFunc | tvm.IRModule, problem: Problem, target: Target) -> Call:
    """Compile a function of (x, weight, bias if there is one, y) and return a call that allocates a new y each time."""
    case: GroupedConv2dCase = problem.case
    run = tvm.compile(function, llvm(target))["main"]
    # TVM's code takes only aligned, contiguous arrays.
    x = tvm.runtime.from_dlpack(problem.lay_out("x", (0, 1, 2, 3)))
    constants = [tvm.runtime.tensor(array) for array in problem.constants.values()]

    def call() -> Array:
        y = tvm.runtime.empty(case.output_shape, case.dtype)
        run(x, *constants, y)
        return np.from_dlpack(y)

    return call


def llvm(target: Target) -> tvm.target.Target:
    """Return LLVM's target for this processor, or for any processor with AVX2 where ``target`` says so."""
    processor = "x86-64-v3" if target.isa == "avx2" else tvm.target.codegen.llvm_get_system_cpu()
    return tvm.target.Target({"kind": "llvm", "mcpu": processor, "opt-level": 3})


def definition(case: GroupedConv2dCase) -> tvm.tirx.PrimFunc:
    """Define the convolution, from (x, weight, bias if there is one) to y, without an order of computation."""
    top, bottom, left, right = case.padding
    geometry = (case.stride, (top, left, bottom, right), case.dilation)
    x = te.placeholder((case.n, case.cin, case.h, case.w), case.dtype, "x")
    weight = te.placeholder(case.weight_shape, case.dtype, "weight")
    if 1 < case.groups == case.cin:
        depthwise_weight = topi.reshape(weight, (case.cin, case.cout // case.cin, *case.kernel))
        y = topi.nn.depthwise_conv2d_nchw(x, depthwise_weight, *geometry)
    else:
        y = topi.nn.group_conv2d_nchw(x, weight, *geometry, case.groups)
    if not case.bias:
        return te.create_prim_func([x, weight, y])
    bias = te.placeholder((case.cout,), case.dtype, "bias")
    # MetaSchedule's rules fail on the reshaping of the bias that topi.add would need.
    biased = te.compute(case.output_shape, lambda n, channel, h, w: y[n, channel, h, w] + bias[channel], "biased")
    return te.create_prim_func([x, weight, bias, biased])
