"""One matrix product for each distinct window, on slices of the input, straight into rows of the output."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from impls.sliding_channel_conv2d.layer.channels import channel_index
from impls.sliding_channel_conv2d.layer.windows import Windows


def sliced_gemm(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Y (n, cout, h, w) of x (n, cin, h, w) and weight (cout, width).

    No window is copied, and the output only where a window's filters are unevenly spaced. In half precision dX is also
    summed over windows in half precision. Dtypes must not differ, except under autocast.
    """
    if torch.compiler.is_compiling() or autocasts(x.device.type):
        return _composed(x, weight, bias, windows)
    y: Tensor = _SlicedGemm.apply(x, weight, bias, windows)  # type: ignore[no-untyped-call]
    return y


def autocasts(device: str) -> bool:
    """Whether operators on a device of this type choose their dtypes themselves now."""
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


@dataclass(frozen=True)
class _Product:
    """The filters that share a window, and the runs of its channels (see ``Windows.pieces``)."""

    rows: slice | list[int]
    pieces: tuple[tuple[int, int, int], ...]


@lru_cache(maxsize=1024)
def _products(windows: Windows) -> list[_Product]:
    return [_Product(_rows(filters), windows.pieces(start)) for start, filters in windows.filters.items()]


def _rows(filters: tuple[int, ...]) -> slice | list[int]:
    """A slice, which is a view, wherever the filters are evenly spaced."""
    step = filters[1] - filters[0] if len(filters) > 1 else 1
    rows = slice(filters[0], filters[-1] + 1, step)
    return rows if tuple(range(rows.start, rows.stop, rows.step)) == filters else list(filters)


class _SlicedGemm(torch.autograd.Function):
    """The products, their gradients and their directional derivative; all that is rarer goes through ``_composed``."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
        n, cin, h, w = x.shape
        flat = x.reshape(n, cin, h * w)
        y = x.new_empty(n, windows.cout, h * w)
        for product in _products(windows):
            rows = product.rows
            out = y[:, rows] if isinstance(rows, slice) else y.new_empty(n, len(rows), h * w)
            filters = weight[rows].expand(n, -1, -1)
            if bias is not None:
                out.copy_(bias[rows, None].expand_as(out))
            for place, (k, channel, length) in enumerate(product.pieces):
                torch.baddbmm(
                    out,
                    filters[:, :, k : k + length],
                    flat[:, channel : channel + length],
                    beta=0 if place == 0 and bias is None else 1,
                    out=out,
                )
            if isinstance(rows, list):
                y[:, rows] = out
        return y.view(n, windows.cout, h, w)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None, Windows], output: Tensor) -> None:
        x, weight, _, ctx.windows = inputs
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias, _ = ctx.needs_input_grad
        composed = torch.is_grad_enabled()
        input_gradient = _composed_input_gradient if composed else _input_gradient
        weight_gradient = _composed_weight_gradient if composed else _weight_gradient
        return (
            input_gradient(dy, weight, ctx.windows) if of_x else None,
            weight_gradient(dy, x, ctx.windows) if of_weight else None,
            dy.sum((0, 2, 3)) if of_bias else None,
            None,
        )

    @staticmethod
    def jvp(ctx: Any, x_dot: Tensor | None, weight_dot: Tensor | None, bias_dot: Tensor | None, _: None) -> Tensor:
        x, weight = ctx.saved_tensors
        none = torch.zeros_like
        along_x = _composed(none(x) if x_dot is None else x_dot, weight, None, ctx.windows)
        return along_x + _composed(x, none(weight) if weight_dot is None else weight_dot, bias_dot, ctx.windows)

    @staticmethod
    def vmap(_: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
        return torch.vmap(_composed, in_dims)(*inputs), 0


def _input_gradient(dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
    """Summed over all windows that cover a channel."""
    n, cout, h, w = dy.shape
    flat = dy.reshape(n, cout, h * w)
    dx = dy.new_zeros(n, windows.cin, h * w)
    for product in _products(windows):
        filters, seen = weight[product.rows], flat[:, product.rows]
        for k, channel, length in product.pieces:
            turned = filters[:, k : k + length].T.expand(n, -1, -1)
            dx[:, channel : channel + length].baddbmm_(turned, seen)
    return dx.view(n, windows.cin, h, w)


def _weight_gradient(dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
    """Summed over images and positions."""
    n, cout, h, w = dy.shape
    flat_x, flat_dy = x.reshape(n, windows.cin, h * w), dy.reshape(n, cout, h * w)
    dw, nothing = dy.new_empty(cout, windows.width), dy.new_zeros(())
    for product in _products(windows):
        seen = flat_dy[:, product.rows]
        for k, channel, length in product.pieces:
            channels = flat_x[:, channel : channel + length]
            dw[product.rows, k : k + length] = torch.addbmm(nothing, seen, channels.mT, beta=0)
    return dw


def _composed(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """The same products in ordinary operators, which compilers, autocast and function transforms know."""
    flat = x.flatten(2)
    parts: list[Tensor] = []
    order: list[int] = []
    for start, filters in windows.filters.items():
        rows = _rows(filters)
        runs = [weight[rows, k : k + m] @ flat[:, channel : channel + m] for k, channel, m in windows.pieces(start)]
        parts.append(runs[0] if len(runs) == 1 else runs[0] + runs[1])
        order += filters
    place = torch.tensor(order, device=x.device).argsort()
    y = torch.cat(parts, dim=1).index_select(1, place)
    y = y if bias is None else y + bias[:, None].to(y.dtype)  # which autocast has changed
    return y.reshape(*y.shape[:2], *x.shape[2:])


def _composed_input_gradient(dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
    """The same gradient through the dense weight, in operators that can be differentiated again."""
    dense = weight.new_zeros(windows.cout, windows.cin).scatter(1, channel_index(windows, weight.device), weight)
    return (dense.T @ dy.flatten(2)).reshape(dy.shape[0], windows.cin, *dy.shape[2:])


def _composed_weight_gradient(dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
    """Likewise, through the gradient of the dense weight."""
    return (dy.flatten(2) @ x.flatten(2).mT).sum(0).gather(1, channel_index(windows, x.device))
