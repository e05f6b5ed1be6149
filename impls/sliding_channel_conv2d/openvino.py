"""A dense pointwise convolution with zeros in its weight, run by OpenVINO on the CPU."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.openvino import OpenVino as Conv2d
from impls.sliding_channel_conv2d._pointwise import as_pointwise, unsupported_as_pointwise
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class OpenVino(Implementation):
    """A one-operator Convolution, dense with zeros outside the windows, compiled by OpenVINO for its CPU plug-in."""

    workload = "sliding_channel_conv2d"
    requires = ("openvino",)
    note = (
        "cg times the arithmetic: no single operator slides windows. Timed: one inference request with the input "
        "bound in place and a new output tensor, both NCHW, the plug-in's own reordering inside. Compiling is not. "
        "On edge TBB is kept from binding the thread at every call (HWLOC_THISSYSTEM=0): the worker is pinned."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return unsupported_as_pointwise(case, Conv2d())

    def prepare(self, problem: Problem, target: Target) -> Call:
        return Conv2d().prepare(as_pointwise(problem), target)
