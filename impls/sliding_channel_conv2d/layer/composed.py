"""The layer and its gradients in ordinary operators, which compilers, autocast and function transforms know."""

import torch
from torch import Tensor

from impls.sliding_channel_conv2d.layer.channels import channel_index
from impls.sliding_channel_conv2d.layer.windows import Windows


def composed(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Y (n, cout, h, w) of x (n, cin, h, w) and weight (cout, width): a product for each distinct window."""
    flat = x.flatten(2)
    parts: list[Tensor] = []
    for start, filters in windows.filters.items():
        rows = rows_of(filters)
        runs = [weight[rows, k : k + m] @ flat[:, channel : channel + m] for k, channel, m in windows.pieces(start)]
        parts.append(runs[0] if len(runs) == 1 else runs[0] + runs[1])
    y = _in_order(parts, windows)
    y = y if bias is None else y + bias[:, None].to(y.dtype)  # which autocast has changed
    return y.reshape(*y.shape[:2], *x.shape[2:])


def _in_order(parts: list[Tensor], windows: Windows) -> Tensor:
    """The outputs of each window's filters (n, filters, pixels), put where the filters are: (n, cout, pixels)."""
    if len(parts) == windows.groups and windows.why_not_grouped() is None:
        return torch.stack(parts, dim=2).flatten(1, 2)  # filters i, i + groups, i + 2 groups ... are a window's
    order = [filter_ for filters in windows.filters.values() for filter_ in filters]
    return torch.cat(parts, dim=1).index_select(1, torch.tensor(order, device=parts[0].device).argsort())


def composed_input_gradient(dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
    """Through the dense weight."""
    dense = weight.new_zeros(windows.cout, windows.cin).scatter(1, channel_index(windows, weight.device), weight)
    return (dense.T @ dy.flatten(2)).reshape(dy.shape[0], windows.cin, *dy.shape[2:])


def composed_weight_gradient(dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
    """Through the gradient of the dense weight."""
    return (dy.flatten(2) @ x.flatten(2).mT).sum(0).gather(1, channel_index(windows, x.device))


def composed_bias_gradient(dy: Tensor) -> Tensor:
    """Summed over images and positions."""
    return dy.sum((0, 2, 3))


def rows_of(filters: tuple[int, ...]) -> slice | list[int]:
    """A slice, which is a view, wherever the filters are evenly spaced."""
    step = filters[1] - filters[0] if len(filters) > 1 else 1
    rows = slice(filters[0], filters[-1] + 1, step)
    return rows if tuple(range(rows.start, rows.stop, rows.step)) == filters else list(filters)
