"""A sliding-channel convolution as the dense pointwise convolution that inference runtimes can run."""

import numpy as np

from bench.core.implementation import Implementation
from bench.core.workload import Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


def as_pointwise(problem: Problem) -> Problem:
    """Return the same problem for an implementation of ``grouped_conv2d``.

    The inputs are the same; the weight is dense, and zero outside the windows.
    """
    case: SlidingChannelConv2dCase = problem.case
    weight = problem.constants["weight"]
    dense = np.zeros((case.cout, case.cin), weight.dtype)
    np.put_along_axis(dense, case.windows.channels, weight, axis=1)
    constants = {**problem.constants, "weight": dense[:, :, None, None]}
    return Problem(_pointwise(case), problem.inputs, constants)


def unsupported_as_pointwise(case: SlidingChannelConv2dCase, runner: Implementation) -> str | None:
    """Return why ``runner``, an inference runtime's ``grouped_conv2d``, cannot run the case, or None."""
    if case.passes != "forward":
        return "an inference runtime computes no gradients"
    if case.dtype not in ("float32", "float64"):
        return f"these runtimes run no {case.dtype} here"
    return runner.unsupported(_pointwise(case))


def _pointwise(case: SlidingChannelConv2dCase) -> GroupedConv2dCase:
    assert case.dtype in ("float32", "float64")
    return GroupedConv2dCase(
        n=case.n,
        cin=case.cin,
        cout=case.cout,
        h=case.h,
        w=case.w,
        kernel=(1, 1),
        padding=(0, 0, 0, 0),
        bias=case.bias,
        dtype=case.dtype,
    )
