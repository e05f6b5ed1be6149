"""The layer and its gradients in ordinary operators, which compilers, autocast and function transforms support."""

import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.layer.channels import channel_index


def composed(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Compute Y (n, cout, h, w) from x (n, cin, h, w) and weight (cout, width), one product a distinct window."""
    flat = x.flatten(2)
    parts: list[Tensor] = []
    for start, filters in windows.filters.items():
        rows = rows_of(filters)
        runs = [weight[rows, k : k + m] @ flat[:, channel : channel + m] for k, channel, m in windows.pieces(start)]
        parts.append(runs[0] if len(runs) == 1 else runs[0] + runs[1])
    y = _reorder(parts, windows)
    y = y if bias is None else y + bias[:, None].to(y.dtype)  # autocast may have changed y's dtype
    return y.reshape(*y.shape[:2], *x.shape[2:])


def _reorder(parts: list[Tensor], windows: Windows) -> Tensor:
    """Put the outputs of each window's filters, (n, filters, pixels), in the order of filters, (n, cout, pixels)."""
    if len(parts) == windows.groups and windows.unsupported_as_groups() is None:
        return torch.stack(parts, dim=2).flatten(1, 2)  # filters i, i + groups, i + 2 groups ... share a window
    order = [filter_ for filters in windows.filters.values() for filter_ in filters]
    return torch.cat(parts, dim=1).index_select(1, torch.tensor(order, device=parts[0].device).argsort())


def composed_input_gradient(dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
    """Compute dX (n, cin, h, w) through the dense weight."""
    dense = weight.new_zeros(windows.cout, windows.cin).scatter(1, channel_index(windows, weight.device), weight)
    return (dense.T @ dy.flatten(2)).reshape(dy.shape[0], windows.cin, *dy.shape[2:])


def composed_weight_gradient(dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
    """Compute dW (cout, width) through the gradient of the dense weight."""
    return (dy.flatten(2) @ x.flatten(2).mT).sum(0).gather(1, channel_index(windows, x.device))


def composed_bias_gradient(dy: Tensor) -> Tensor:
    """Compute dbias (cout,), summed over images and positions."""
    return dy.sum((0, 2, 3))


def rows_of(filters: tuple[int, ...]) -> slice | list[int]:
    """Return the filters as an index: a slice, which makes a view, where they are evenly spaced, else a list."""
    step = filters[1] - filters[0] if len(filters) > 1 else 1
    rows = slice(filters[0], filters[-1] + 1, step)
    return rows if tuple(range(rows.start, rows.stop, rows.step)) == filters else list(filters)
