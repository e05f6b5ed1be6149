"""Prepare the call of a case from kernels for a GPU, which are launched without autograd."""

from functools import partial
from typing import Any, Protocol

from torch import Tensor

from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._passes import tensors
from impls.sliding_channel_conv2d.cuda.convolution import Launcher
from impls.sliding_channel_conv2d.cuda.tiled_convolution import TiledConvolution
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


def launcher_for(problem: Problem) -> Launcher:
    """Return the launcher of the GPU that holds the problem's tensors."""
    from impls.sliding_channel_conv2d.cuda.launcher import gpu  # needs cuda-core

    x, *_ = tensors(problem)
    return gpu(x.device)


class Kernels(Protocol):
    """One layer's kernels."""

    def pack(self, weight: Tensor) -> Any:
        """Return the weight in the form that ``forward`` takes; a weight that does not change is packed once."""

    def forward(self, x: Tensor, packed: Any, bias: Tensor | None) -> Tensor:
        """Compute Y (n, cout, h, w) from x (n, cin, h, w), a weight that ``pack`` returned, and bias (cout,)."""

    def backward(self, dy: Tensor, x: Tensor, weight: Tensor, bias: bool) -> tuple[Tensor, ...]:
        """Compute dX (n, cin, h, w), dW (cout, width) and, where there is a ``bias``, dbias (cout,)."""


class SeparateGradients:
    """``Kernels`` made from those that compute each gradient separately."""

    def __init__(self, kernels: TiledConvolution) -> None:
        self._kernels = kernels
        self.pack, self.forward = kernels.pack, kernels.apply

    def backward(self, dy: Tensor, x: Tensor, weight: Tensor, bias: bool) -> tuple[Tensor, ...]:
        dx = self._kernels.input_gradient(dy, weight)
        if bias:
            gradients = self._kernels.parameter_gradients(dy, x)  # dW, then dbias
            return dx, gradients[: weight.numel()].view(weight.shape), gradients[weight.numel() :]
        return dx, self._kernels.weight_gradient(dy, x)


def prepare_kernels(problem: Problem, kernels: Kernels, *, channels_last: bool = False) -> Call:
    """Return a call that computes the case's passes.

    Forward cases pack the weight before the call, train cases in it. The call is made once before it is returned, since
    the first one compiles, loads and tunes kernels.
    """
    case: SlidingChannelConv2dCase = problem.case
    x, weight, bias, dy = tensors(problem, channels_last=channels_last)

    def backward() -> tuple[Tensor, ...]:
        assert dy is not None
        return kernels.backward(dy, x, weight, case.bias)

    def train() -> tuple[Tensor, ...]:
        return (kernels.forward(x, kernels.pack(weight), bias), *backward())

    if case.passes == "forward":
        packed = kernels.pack(weight)
        call: Call = partial(kernels.forward, x, packed, bias)
    else:
        call = backward if case.passes == "backward" else train
    call()
    return call
