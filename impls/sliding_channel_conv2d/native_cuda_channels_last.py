"""Our own kernels for a GPU, on channels-last tensors."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._tiles import prepare_tiles, unsupported
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class NativeCudaChannelsLast(Implementation):
    """Our own kernels in CUDA C++, on NHWC (channels-last) tensors."""

    workload = "sliding_channel_conv2d"
    requires = ("torch", "cuda-core")
    targets = ("cuda",)
    note = "As native_cuda, with x and dy stored as NHWC, and so the outputs: the order that tensor cores like best."

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return unsupported(case)

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_tiles(problem, channels_last=True)
