"""The paper's design with both of its optimisations."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._published import prepare_published, unsupported
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class PaperDesign(Implementation):
    """A thread an output, backward one an input that collects (arXiv 2101.00745), windows shared by cycle; float32."""

    workload = "sliding_channel_conv2d"
    requires = ("torch", "cuda-core")
    targets = ("cuda",)
    note = (
        "Re-created from the paper, right for every overlap; float32, NCHW, no tensor cores. "
        "Forward: a thread computes all filters of a window. Backward: a thread for each number of x; atomics for dW "
        "alone, which differs from call to call in its last bits."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return unsupported(case)

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_published(problem, reuse=True, input_centric=True)
