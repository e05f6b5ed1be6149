"""One matrix product for each distinct window, on slices of the input, straight into rows of the output."""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.layer.channels import keeps
from impls.sliding_channel_conv2d.layer.composed import rows_of
from impls.sliding_channel_conv2d.layer.differentiable import Kernels, differentiable


def sliced_gemm(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Compute Y (n, cout, h, w) from x (n, cin, h, w) and weight (cout, width).

    No window is copied; outputs are copied only where a window's filters are unevenly spaced. In half precision dX is
    also summed over windows in half precision. Dtypes must not differ, except under autocast.
    """
    return differentiable(_SlicedGemm(), x, weight, bias, windows)


@dataclass(frozen=True)
class _Product:
    """The filters that share a window, and the runs of its channels (see ``Windows.pieces``)."""

    rows: slice | list[int] | Tensor
    pieces: tuple[tuple[int, int, int], ...]


def _products(windows: Windows, device: torch.device) -> list[_Product]:
    return _products_on(windows, device) if keeps(device) else _products_by_window(windows)


@lru_cache(maxsize=1024)
def _products_by_window(windows: Windows) -> list[_Product]:
    return [_Product(rows_of(filters), windows.pieces(start)) for start, filters in windows.filters.items()]


@lru_cache(maxsize=64)
def _products_on(windows: Windows, device: torch.device) -> list[_Product]:
    """Return the products with lists of rows as tensors on the device, which spares a copy in every call."""
    with torch.inference_mode(False):
        return [
            replace(product, rows=torch.tensor(product.rows, device=device))
            if isinstance(product.rows, list)
            else product
            for product in _products_by_window(windows)
        ]


class _SlicedGemm(Kernels):
    """Products on slices, and their gradients."""

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
        n, cin, h, w = x.shape
        flat = x.reshape(n, cin, h * w)
        y = x.new_empty(n, windows.cout, h * w)
        for product in _products(windows, x.device):
            rows = product.rows
            out = y[:, rows] if isinstance(rows, slice) else y.new_empty(n, len(rows), h * w)
            filters = weight[rows].expand(n, -1, -1)
            if bias is not None:
                out.copy_(bias[rows, None].expand_as(out))
            for i, (k, channel, length) in enumerate(product.pieces):
                torch.baddbmm(
                    out,
                    filters[:, :, k : k + length],
                    flat[:, channel : channel + length],
                    beta=0 if i == 0 and bias is None else 1,
                    out=out,
                )
            if not isinstance(rows, slice):
                y[:, rows] = out
        return y.view(n, windows.cout, h, w)

    def input_gradient(self, dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
        """Compute dX (n, cin, h, w), summed over all windows that cover a channel."""
        n, cout, h, w = dy.shape
        flat = dy.reshape(n, cout, h * w)
        dx = dy.new_zeros(n, windows.cin, h * w)
        for product in _products(windows, dy.device):
            filters, dy_rows = weight[product.rows], flat[:, product.rows]
            for k, channel, length in product.pieces:
                transposed = filters[:, k : k + length].T.expand(n, -1, -1)
                dx[:, channel : channel + length].baddbmm_(transposed, dy_rows)
        return dx.view(n, windows.cin, h, w)

    def weight_gradient(self, dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
        """Compute dW (cout, width), summed over images and positions."""
        n, cout, h, w = dy.shape
        flat_x, flat_dy = x.reshape(n, windows.cin, h * w), dy.reshape(n, cout, h * w)
        dw, zero = dy.new_empty(cout, windows.width), dy.new_zeros(())
        for product in _products(windows, dy.device):
            dy_rows = flat_dy[:, product.rows]
            for k, channel, length in product.pieces:
                channels = flat_x[:, channel : channel + length]
                dw[product.rows, k : k + length] = torch.addbmm(zero, dy_rows, channels.mT, beta=0)
        return dw
