"""Kernels with their gradients as one operator of PyTorch, differentiable however often and in either direction."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from impls.sliding_channel_conv2d.layer.composed import (
    composed,
    composed_bias_gradient,
    composed_input_gradient,
    composed_weight_gradient,
)
from impls.sliding_channel_conv2d.layer.windows import Windows


class Kernels(ABC):
    """The layer and its gradients, of tensors of one dtype, contiguous or not."""

    @abstractmethod
    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
        """Y (n, cout, h, w) of x (n, cin, h, w), weight (cout, width) and bias (cout,)."""

    @abstractmethod
    def input_gradient(self, dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
        """Returns dX (n, cin, h, w), summed over all windows that cover a channel."""

    @abstractmethod
    def weight_gradient(self, dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
        """Returns dW (cout, width), summed over images and positions."""

    def parameter_gradients(self, dy: Tensor, x: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
        """Returns dW and dbias (cout,): for kernels that read dY once for both, to be overridden."""
        return self.weight_gradient(dy, x, windows), composed_bias_gradient(dy)


def differentiable(kernels: Kernels, x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Y (n, cout, h, w), by ``kernels``; by ordinary operators under a compiler, autocast or a function transform."""
    if torch.compiler.is_compiling() or autocasts(x.device.type):
        return composed(x, weight, bias, windows)
    y: Tensor = _Operator.apply(x, weight, bias, windows, kernels)  # type: ignore[no-untyped-call]
    return y


def autocasts(device: str) -> bool:
    """Whether operators on a device of this type choose their dtypes themselves now."""
    return _can_autocast(device) and torch.is_autocast_enabled(device)


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _can_autocast(device: str) -> bool:
    """The same whenever asked; compilers of PyTorch 2.11 cannot ask."""
    return torch.amp.is_autocast_available(device)


class _Operator(torch.autograd.Function):
    """The kernels; what is rarer than a gradient goes through ordinary operators."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows, kernels: Kernels) -> Tensor:
        return kernels.forward(x, weight, bias, windows)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None, Windows, Kernels], output: Tensor) -> None:
        x, weight, _, ctx.windows, ctx.kernels = inputs
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias, *_ = ctx.needs_input_grad
        again = torch.is_grad_enabled()  # these gradients will be differentiated
        input_gradient = composed_input_gradient if again else ctx.kernels.input_gradient
        weight_gradient = composed_weight_gradient if again else ctx.kernels.weight_gradient
        dx = input_gradient(dy, weight, ctx.windows) if of_x else None
        if of_weight and of_bias and not again:
            return dx, *ctx.kernels.parameter_gradients(dy, x, ctx.windows), None, None
        dweight = weight_gradient(dy, x, ctx.windows) if of_weight else None
        return dx, dweight, composed_bias_gradient(dy) if of_bias else None, None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor | None, weight_dot: Tensor | None, bias_dot: Tensor | None, *_: None) -> Tensor:
        x, weight = ctx.saved_tensors
        none = torch.zeros_like
        along_x = composed(none(x) if x_dot is None else x_dot, weight, None, ctx.windows)
        return along_x + composed(x, none(weight) if weight_dot is None else weight_dot, bias_dot, ctx.windows)

    @staticmethod
    def vmap(_: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
        return torch.vmap(composed, in_dims[:4])(*inputs[:4]), 0
