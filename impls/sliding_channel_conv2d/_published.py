"""The paper's design for a GPU, as implementations."""

from torch import Tensor

from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._kernels import launcher_for, prepare_kernels
from impls.sliding_channel_conv2d.cuda import compiler
from impls.sliding_channel_conv2d.cuda.published import Published
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class _Kernels:
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


def unsupported(case: SlidingChannelConv2dCase) -> str | None:
    """Return why the paper's kernels cannot run the case, or None."""
    if case.dtype != "float32":
        return "the paper's kernels take float32 only"
    return compiler.unavailable()


def prepare_published(problem: Problem, *, reuse: bool, input_centric: bool) -> Call:
    case: SlidingChannelConv2dCase = problem.case
    published = Published(case.windows, launcher_for(problem), reuse=reuse, input_centric=input_centric)
    return prepare_kernels(problem, _Kernels(published))
