"""The backward pass that the paper compares its own with, without reuse."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._published import prepare_published, unsupported
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class PaperAtomicsUnshared(Implementation):
    """Backward a thread an output that adds to all it touches (arXiv 2101.00745), each filter on its own; float32."""

    workload = "sliding_channel_conv2d"
    requires = ("torch", "cuda-core")
    targets = ("cuda",)
    note = (
        "Re-created from the paper, right for every overlap; float32, NCHW, no tensor cores. "
        "dX and dW are added up by atomics, and differ from call to call in their last bits. A thread for each number "
        "of dy."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        if case.passes == "forward":
            return "its forward pass is that of published_unshared"
        return unsupported(case)

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_published(problem, reuse=False, input_centric=False)
