"""The paper's design without the channel-cyclic reuse."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._published import prepare_published, unsupported
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class PaperDesignUnshared(Implementation):
    """A thread an output, backward one an input that collects (arXiv 2101.00745), each filter on its own; float32."""

    workload = "sliding_channel_conv2d"
    requires = ("torch", "cuda-core")
    targets = ("cuda",)
    note = (
        "Re-created from the paper, right for every overlap; float32, NCHW, no tensor cores. "
        "Forward: a thread for each number of y. Backward: a thread for each number of x, which looks up each filter's "
        "window by itself; dW by atomics."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return unsupported(case)

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_published(problem, reuse=False, input_centric=True)
