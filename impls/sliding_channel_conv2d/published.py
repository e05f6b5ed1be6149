"""The GPU design of arXiv 2101.00745, re-created, with and without each of its two optimisations."""

from torch import Tensor

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._kernels import launcher_for, prepare_kernels
from impls.sliding_channel_conv2d.cuda import compiler
from impls.sliding_channel_conv2d.cuda.published import Published
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class PaperDesign(Implementation):
    """One thread for each window and pixel; the backward pass gathers, one thread for each input; float32."""

    workload = "sliding_channel_conv2d"
    requires = ("torch", "cuda-core")
    targets = ("cuda",)
    paper = "arXiv 2101.00745"
    note = (
        "Re-created from the paper, right for every overlap; float32, NCHW, no tensor cores. "
        "Forward: a thread computes all filters of a window. Backward: a thread for each number of x; atomics for dW "
        "alone, which differs from call to call in its last bits."
    )
    reuse = True
    """Whether the filters that read the same window share a thread: the paper's channel-cyclic reuse."""
    input_centric = True
    """Whether a thread of the backward pass collects for one input; else it adds to all that one output touches."""
    variants = {
        "published": {},
        "published_atomics": {
            "input_centric": False,
            "summary": "The backward pass scatters with atomics, one thread for each window and pixel; float32.",
            "note": "Re-created from the paper, right for every overlap; float32, NCHW, no tensor cores. "
            "dX and dW are added up by atomics, and differ from call to call in their last bits. One thread handles "
            "all filters that share a window.",
        },
        "published_atomics_unshared": {
            "reuse": False,
            "input_centric": False,
            "summary": "The backward pass scatters with atomics, one thread for each output; float32.",
            "note": "Re-created from the paper, right for every overlap; float32, NCHW, no tensor cores. "
            "dX and dW are added up by atomics, and differ from call to call in their last bits. A thread for each "
            "number of dy.",
        },
        "published_unshared": {
            "reuse": False,
            "summary": "One thread for each output; the backward pass gathers, one thread for each input; float32.",
            "note": "Re-created from the paper, right for every overlap; float32, NCHW, no tensor cores. "
            "Forward: a thread for each number of y. Backward: a thread for each number of x, which looks up each "
            "filter's window by itself; dW by atomics.",
        },
    }

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        if case.passes == "forward" and not self.input_centric:
            return f"its forward pass is that of {'published' if self.reuse else 'published_unshared'}"
        if case.dtype != "float32":
            return "the paper's kernels take float32 only"
        return compiler.unavailable()

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: SlidingChannelConv2dCase = problem.case
        launcher = launcher_for(problem)
        published = Published(case.windows, launcher, reuse=self.reuse, input_centric=self.input_centric)
        return prepare_kernels(problem, PublishedKernels(published))


class PublishedKernels:
    """The kernels of ``Published`` for ``prepare_kernels``. PyTorch sums dbias, for which the paper has no kernel."""

    def __init__(self, published: Published) -> None:
        self._published = published

    def pack(self, weight: Tensor) -> Tensor:
        return weight

    def forward(self, x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
        return self._published.forward(x, packed, bias)

    def backward(self, dy: Tensor, x: Tensor, weight: Tensor, bias: bool) -> tuple[Tensor, ...]:
        gradients = self._published.backward(dy, x, weight)
        return (*gradients, dy.sum((0, 2, 3))) if bias else gradients
