"""From kernels for a GPU, launched without autograd, to the call of a case."""

from functools import partial
from typing import Any, Protocol

from torch import Tensor

from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._passes import tensors
from impls.sliding_channel_conv2d.cuda.convolution import Launcher
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


def gpu_of(problem: Problem) -> Launcher:
    """The launcher of the GPU that a problem lies on."""
    from impls.sliding_channel_conv2d.cuda.launcher import gpu  # needs cuda-core

    x, *_ = tensors(problem)
    return gpu(x.device)


class Kernels(Protocol):
    """One layer's."""

    def pack(self, weight: Tensor) -> Any:
        """The weight as ``forward`` takes it: who keeps a weight packs it once."""

    def forward(self, x: Tensor, packed: Any, bias: Tensor | None) -> Tensor:
        """Y (n, cout, h, w) of x (n, cin, h, w), what ``pack`` returned, and bias (cout,)."""

    def backward(self, dy: Tensor, x: Tensor, weight: Tensor, bias: bool) -> tuple[Tensor, ...]:
        """Returns dX (n, cin, h, w), dW (cout, width) and, where there is a ``bias``, dbias (cout,)."""


class Gradients(Protocol):
    """Kernels for each gradient, as ``cuda.convolution.Convolution`` has them."""

    def pack(self, weight: Tensor) -> Any: ...

    def apply(self, x: Tensor, packed: Any, bias: Tensor | None) -> Tensor: ...

    def input_gradient(self, dy: Tensor, weight: Tensor) -> Tensor: ...

    def weight_gradient(self, dy: Tensor, x: Tensor) -> Tensor: ...

    def parameter_gradients(self, dy: Tensor, x: Tensor) -> Tensor: ...


class OneByOne:
    """``Kernels`` of which each gradient has its own."""

    def __init__(self, kernels: Gradients) -> None:
        self._kernels = kernels
        self.pack, self.forward = kernels.pack, kernels.apply

    def backward(self, dy: Tensor, x: Tensor, weight: Tensor, bias: bool) -> tuple[Tensor, ...]:
        dx = self._kernels.input_gradient(dy, weight)
        if bias:
            both = self._kernels.parameter_gradients(dy, x)  # one behind the other
            return dx, both[: weight.numel()].view(weight.shape), both[weight.numel() :]
        return dx, self._kernels.weight_gradient(dy, x)


def prepare_kernels(problem: Problem, kernels: Kernels, *, channels_last: bool = False) -> Call:
    """A call that computes the case's passes; weights are packed here in forward cases, in the call in train.

    It is called once here, since the first compiles, loads and tunes kernels.
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
