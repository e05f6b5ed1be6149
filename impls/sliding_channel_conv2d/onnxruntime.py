"""A dense pointwise convolution with zeros in its weight, run by ONNX Runtime on the CPU."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.onnxruntime import OnnxRuntime as Conv2d
from impls.sliding_channel_conv2d._pointwise import as_pointwise, unsupported_as_pointwise
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class OnnxRuntime(Implementation):
    """A one-node Conv model, dense with zeros outside the windows, run by ONNX Runtime's CPU provider."""

    workload = "sliding_channel_conv2d"
    requires = ("onnxruntime", "onnx")
    note = (
        "cg times the arithmetic: no single ONNX node slides windows. Timed: session.run, fed with the NumPy array "
        "itself, the output allocated by the runtime, whose arena keeps what the first calls took: it shows as "
        "prepared memory. Model building is not timed."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return unsupported_as_pointwise(case, Conv2d())

    def prepare(self, problem: Problem, target: Target) -> Call:
        return Conv2d().prepare(as_pointwise(problem), target)
