"""TensorFlow Lite: a one-operator model, run by LiteRT."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.tflite import TfLite as Conv2d
from impls.sliding_channel_conv2d._pointwise import as_pointwise, unsupported_as_pointwise
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class TfLite(Implementation):
    """A TensorFlow Lite CONV_2D, dense with zeros outside the windows, run by LiteRT with XNNPACK on NHWC tensors."""

    workload = "sliding_channel_conv2d"
    requires = ("ai-edge-litert", "tensorflow-cpu")
    note = (
        "cg times the arithmetic: no single operator slides windows. Timed: the copy of the input into the "
        "interpreter, the model, and the copy of the output out of it, both stored as NHWC. Conversion is not."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return unsupported_as_pointwise(case, Conv2d())

    def prepare(self, problem: Problem, target: Target) -> Call:
        return Conv2d().prepare(as_pointwise(problem), target)
