"""A dense pointwise convolution with zeros in its weight, run by ncnn."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.ncnn import Ncnn as Conv2d
from impls.sliding_channel_conv2d._pointwise import as_pointwise, unsupported_as_pointwise
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class Ncnn(Implementation):
    """A one-layer net, dense with zeros outside the windows, run by ncnn."""

    workload = "sliding_channel_conv2d"
    requires = ("ncnn",)
    note = (
        "cg times the arithmetic: no single layer slides windows. Timed: an extractor with the input bound in "
        "place (or copied, where height x width is no multiple of 4), the layer in float32, the copy of the output; a "
        "batch is run image by image. Loading the net is not."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return unsupported_as_pointwise(case, Conv2d())

    def prepare(self, problem: Problem, target: Target) -> Call:
        return Conv2d().prepare(as_pointwise(problem), target)
