"""Our own kernels for a GPU."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._tiles import prepare_tiles, unsupported
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class NativeCuda(Implementation):
    """Our own kernels in CUDA C++: filters whose windows overlap share one tile, which reads their channels once."""

    workload = "sliding_channel_conv2d"
    requires = ("torch", "cuda-core")
    targets = ("cuda",)
    note = (
        "Launched without autograd. Makes the packed weight and, for dW, partial sums; tables of the layer's windows "
        "stay. Weights are packed untimed in forward cases, timed in backward and train."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return unsupported(case)

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_tiles(problem, channels_last=False)
