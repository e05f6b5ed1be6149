"""One matrix product for each distinct window, on slices of channels-last tensors."""

from collections.abc import Iterator

import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.layer.differentiable import Kernels, differentiable


def sliced_gemm_nhwc(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Compute Y (n, cout, h, w) from x (n, cin, h, w) and weight (cout, width).

    Y and the gradients are channels last. No window is copied if x is channels last. In half precision dX is also
    summed over windows in half precision.
    """
    return differentiable(_SlicedGemmNhwc(), x, weight, bias, windows)


class _SlicedGemmNhwc(Kernels):
    """Products on slices of channels, and their gradients; the filters that share a window are evenly spaced."""

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
        rows = _rows(x)
        products = rows.new_empty(windows.groups, len(rows), windows.cout // windows.groups)
        for i, start in enumerate(windows.starts[: windows.groups]):
            filters = weight[i :: windows.groups]
            for k, channel, length in windows.pieces(start):
                part, channels = filters[:, k : k + length].T, rows[:, channel : channel + length]
                torch.addmm(products[i], channels, part, beta=int(k > 0), out=products[i])
        y = _empty_like(x, windows.cout)
        y_rows = _rows(y)
        y_rows.view(len(rows), windows.cout // windows.groups, windows.groups).copy_(products.permute(1, 2, 0))
        if bias is not None:
            y_rows.add_(bias)
        return y

    def input_gradient(self, dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
        """Compute dX (n, cin, h, w), summed over all windows that cover a channel."""
        dx = _empty_like(dy, windows.cin).zero_()
        dx_rows = _rows(dx)
        for i, dy_rows, (k, channel, length) in _gradient_pieces(dy, windows):
            dx_rows[:, channel : channel + length].addmm_(dy_rows, weight[i :: windows.groups, k : k + length])
        return dx

    def weight_gradient(self, dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
        """Compute dW (cout, width), summed over images and positions."""
        rows, dw = _rows(x), dy.new_empty(windows.cout, windows.width)
        for i, dy_rows, (k, channel, length) in _gradient_pieces(dy, windows):
            dw[i :: windows.groups, k : k + length] = dy_rows.T @ rows[:, channel : channel + length]
        return dw


def _gradient_pieces(dy: Tensor, windows: Windows) -> Iterator[tuple[int, Tensor, tuple[int, int, int]]]:
    """Yield for each piece of each window its first filter, dY of its filters (n h w, cout / groups), and the piece.

    ``Windows.pieces`` says what a piece is.
    """
    dy_rows = _rows(dy)
    by_window = (
        dy_rows.reshape(len(dy_rows), windows.cout // windows.groups, windows.groups).permute(2, 0, 1).contiguous()
    )
    for i, start in enumerate(windows.starts[: windows.groups]):
        for piece in windows.pieces(start):
            yield i, by_window[i], piece


def _rows(images: Tensor) -> Tensor:
    """Return images (n, channels, h, w) as (n h w, channels): a view where they are channels last."""
    return images.permute(0, 2, 3, 1).reshape(-1, images.shape[1])


def _empty_like(images: Tensor, channels: int) -> Tensor:
    """Return new channels-last images (n, channels, h, w), with n, h and w as in ``images``."""
    n, _, h, w = images.shape
    shape = (n, channels, h, w)
    return torch.empty(shape, dtype=images.dtype, device=images.device, memory_format=torch.channels_last)
