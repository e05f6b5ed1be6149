"""The dense pointwise convolution on channels-last tensors."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._passes import prepare_passes
from impls.sliding_channel_conv2d.layer.backends import BACKENDS


class MaskedDenseChannelsLast(Implementation):
    """A dense pointwise convolution, its weight zero outside the windows, on NHWC (channels-last) tensors; eager."""

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    targets = ("cuda",)
    note = "As masked_dense, with x and dy stored as NHWC, and so the outputs: the order that tensor cores like best."

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_passes(problem, target, BACKENDS["masked_dense"], channels_last=True)
