"""Kernels with their gradients as one operator of PyTorch, differentiable to any order and in both directions."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.layer.composed import (
    composed,
    composed_bias_gradient,
    composed_input_gradient,
    composed_weight_gradient,
)


class Kernels(ABC):
    """The layer and its gradients, for tensors of one dtype, contiguous or not."""

    @abstractmethod
    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
        """Compute Y (n, cout, h, w) from x (n, cin, h, w), weight (cout, width) and bias (cout,)."""

    @abstractmethod
    def input_gradient(self, dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
        """Compute dX (n, cin, h, w), summed over all windows that cover a channel."""

    @abstractmethod
    def weight_gradient(self, dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
        """Compute dW (cout, width), summed over images and positions."""

    def parameter_gradients(self, dy: Tensor, x: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
        """Compute dW (cout, width) and dbias (cout,). Kernels that read dY once for both of them override this."""
        return self.weight_gradient(dy, x, windows), composed_bias_gradient(dy)


def differentiable(kernels: Kernels, x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Compute Y (n, cout, h, w) with ``kernels``.

    Under a compiler, autocast or a function transform, ordinary operators compute it.
    """
    if torch.compiler.is_compiling() or autocasts(x.device.type):
        return composed(x, weight, bias, windows)
    y: Tensor = _Operator.apply(x, weight, bias, windows, kernels)  # type: ignore[no-untyped-call]
    return y


def autocasts(device: str) -> bool:
    """Whether autocast now chooses the dtypes of operators on devices of this type."""
    return device in _CAN_AUTOCAST and torch.is_autocast_enabled(device)


_DEVICES = ("cpu", "cuda", "hpu", "ipu", "maia", "mps", "mtia", "privateuseone", "xla", "xpu")
_CAN_AUTOCAST = frozenset(filter(torch.amp.is_autocast_available, _DEVICES))
"""Device types that support autocast, listed at import, since the compiler of PyTorch 2.11 cannot ask."""


class _Operator(torch.autograd.Function):
    """The kernels as an autograd function. Derivatives that are rarer than gradients use ordinary operators."""

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
        needs_dx, needs_dweight, needs_dbias, *_ = ctx.needs_input_grad
        create_graph = torch.is_grad_enabled()  # these gradients will be differentiated
        input_gradient = composed_input_gradient if create_graph else ctx.kernels.input_gradient
        weight_gradient = composed_weight_gradient if create_graph else ctx.kernels.weight_gradient
        dx = input_gradient(dy, weight, ctx.windows) if needs_dx else None
        if needs_dweight and needs_dbias and not create_graph:
            return dx, *ctx.kernels.parameter_gradients(dy, x, ctx.windows), None, None
        dweight = weight_gradient(dy, x, ctx.windows) if needs_dweight else None
        return dx, dweight, composed_bias_gradient(dy) if needs_dbias else None, None, None

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor | None, weight_dot: Tensor | None, bias_dot: Tensor | None, *_: None) -> Tensor:
        x, weight = ctx.saved_tensors
        zeros = torch.zeros_like
        along_x = composed(zeros(x) if x_dot is None else x_dot, weight, None, ctx.windows)
        return along_x + composed(x, zeros(weight) if weight_dot is None else weight_dot, bias_dot, ctx.windows)

    @staticmethod
    def vmap(_: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
        return torch.vmap(composed, in_dims[:4])(*inputs[:4]), 0
