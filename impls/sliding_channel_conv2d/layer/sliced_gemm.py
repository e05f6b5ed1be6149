"""One matrix product for each distinct window, on slices of the input, straight into rows of the output."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from impls.sliding_channel_conv2d.layer.channels import keeps
from impls.sliding_channel_conv2d.layer.composed import rows_of
from impls.sliding_channel_conv2d.layer.differentiable import Kernels, differentiable
from impls.sliding_channel_conv2d.layer.windows import Windows


def sliced_gemm(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Y (n, cout, h, w) of x (n, cin, h, w) and weight (cout, width).

    No window is copied, and the output only where a window's filters are unevenly spaced. In half precision dX is also
    summed over windows in half precision. Dtypes must not differ, except under autocast.
    """
    return differentiable(_SlicedGemm(), x, weight, bias, windows)


@dataclass(frozen=True)
class _Product:
    """The filters that share a window, and the runs of its channels (see ``Windows.pieces``)."""

    rows: slice | list[int] | Tensor
    pieces: tuple[tuple[int, int, int], ...]


def _products(windows: Windows, device: torch.device) -> list[_Product]:
    return _kept(windows, device) if keeps(device) else _listed(windows)


@lru_cache(maxsize=1024)
def _listed(windows: Windows) -> list[_Product]:
    return [_Product(rows_of(filters), windows.pieces(start)) for start, filters in windows.filters.items()]


@lru_cache(maxsize=64)
def _kept(windows: Windows, device: torch.device) -> list[_Product]:
    """With lists of rows as tensors on the device, where they would have to be copied in every call."""
    with torch.inference_mode(False):
        return [
            _Product(
                torch.tensor(found.rows, device=device) if isinstance(found.rows, list) else found.rows, found.pieces
            )
            for found in _listed(windows)
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
            for place, (k, channel, length) in enumerate(product.pieces):
                torch.baddbmm(
                    out,
                    filters[:, :, k : k + length],
                    flat[:, channel : channel + length],
                    beta=0 if place == 0 and bias is None else 1,
                    out=out,
                )
            if not isinstance(rows, slice):
                y[:, rows] = out
        return y.view(n, windows.cout, h, w)

    def input_gradient(self, dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
        """Summed over all windows that cover a channel."""
        n, cout, h, w = dy.shape
        flat = dy.reshape(n, cout, h * w)
        dx = dy.new_zeros(n, windows.cin, h * w)
        for product in _products(windows, dy.device):
            filters, seen = weight[product.rows], flat[:, product.rows]
            for k, channel, length in product.pieces:
                turned = filters[:, k : k + length].T.expand(n, -1, -1)
                dx[:, channel : channel + length].baddbmm_(turned, seen)
        return dx.view(n, windows.cin, h, w)

    def weight_gradient(self, dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
        """Summed over images and positions."""
        n, cout, h, w = dy.shape
        flat_x, flat_dy = x.reshape(n, windows.cin, h * w), dy.reshape(n, cout, h * w)
        dw, nothing = dy.new_empty(cout, windows.width), dy.new_zeros(())
        for product in _products(windows, dy.device):
            seen = flat_dy[:, product.rows]
            for k, channel, length in product.pieces:
                channels = flat_x[:, channel : channel + length]
                dw[product.rows, k : k + length] = torch.addbmm(nothing, seen, channels.mT, beta=0)
        return dw
