"""One matrix product for each distinct window, on slices of the input, straight into rows of the output.

Neither windows nor the output are copied. A PyTorch operator, so that it works under torch.compile and torch.export.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from impls.sliding_channel_conv2d.layer.windows import Windows


def sliced_gemm(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Y (n, cout, h, w) of x (n, cin, h, w) and weight (cout, width); differentiable once."""
    device = x.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        x, weight, bias = x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
    y: Tensor = _forward(x, weight, bias, windows.cg, *windows.co.as_integer_ratio())
    return y


@dataclass(frozen=True)
class _Product:
    """The filters that share a window, and where its channels lie."""

    rows: slice | list[int]
    pieces: tuple[tuple[int, int, int], ...]


@lru_cache(maxsize=1024)
def _products(cin: int, cout: int, cg: int, p: int, q: int) -> list[_Product]:
    windows = Windows(cin, cout, cg, Fraction(p, q))
    return [_Product(_rows(filters), windows.pieces(start)) for start, filters in windows.filters.items()]


def _rows(filters: tuple[int, ...]) -> slice | list[int]:
    """A slice, which is a view, wherever the filters are evenly spaced."""
    step = filters[1] - filters[0] if len(filters) > 1 else 1
    rows = slice(filters[0], filters[-1] + 1, step)
    return rows if tuple(range(rows.start, rows.stop, rows.step)) == filters else list(filters)


@torch.library.custom_op("featherbench::sliced_gemm", mutates_args=())
def _forward(x: Tensor, weight: Tensor, bias: Tensor | None, cg: int, p: int, q: int) -> Tensor:
    n, cin, h, w = x.shape
    cout = weight.shape[0]
    x = x.reshape(n, cin, h * w)
    y = x.new_empty(n, cout, h * w)
    for product in _products(cin, cout, cg, p, q):
        rows = product.rows
        out = y[:, rows] if isinstance(rows, slice) else y.new_empty(n, len(rows), h * w)
        filters = weight[rows].expand(n, -1, -1)
        if bias is not None:
            out.copy_(bias[rows, None].expand_as(out))
        for place, (k, channel, length) in enumerate(product.pieces):
            torch.baddbmm(
                out,
                filters[:, :, k : k + length],
                x[:, channel : channel + length],
                beta=0 if place == 0 and bias is None else 1,
                out=out,
            )
        if isinstance(rows, list):
            y[:, rows] = out
    return y.view(n, cout, h, w)


@_forward.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None, cg: int, p: int, q: int) -> Tensor:
    return x.new_empty(x.shape[0], weight.shape[0], *x.shape[2:])


@torch.library.custom_op("featherbench::sliced_gemm_backward", mutates_args=())
def _backward(dy: Tensor, x: Tensor, weight: Tensor, cg: int, p: int, q: int) -> tuple[Tensor, Tensor]:
    """DX sums over all windows that cover a channel; dW over images and positions."""
    n, cin, h, w = x.shape
    cout = weight.shape[0]
    x, dy = x.reshape(n, cin, h * w), dy.reshape(n, cout, h * w)
    dx, dw = torch.zeros_like(x), torch.empty_like(weight)
    for product in _products(cin, cout, cg, p, q):
        filters, seen = weight[product.rows], dy[:, product.rows]
        for k, channel, length in product.pieces:
            channels = slice(channel, channel + length)
            dx[:, channels].baddbmm_(filters[:, k : k + length].T.expand(n, -1, -1), seen)
            dw[product.rows, k : k + length] = (seen @ x[:, channels].mT).sum(0)
    return dx.view(n, cin, h, w), dw


@_backward.register_fake
def _(dy: Tensor, x: Tensor, weight: Tensor, cg: int, p: int, q: int) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x), torch.empty_like(weight)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, bias, *ctx.settings = inputs
    ctx.has_bias = bias is not None
    ctx.save_for_backward(x, weight)


def _differentiate(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    dx, dw = _backward(dy, x, weight, *ctx.settings)
    return dx, dw, dy.sum((0, 2, 3)) if ctx.has_bias else None, None, None, None


_forward.register_autograd(_differentiate, setup_context=_keep)
