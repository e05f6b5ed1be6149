"""Ways to compute the layer with PyTorch, and the choice between them.

Each backend is a ``pack``, which brings the weight (cout, width) into the form that its ``convolve`` takes; both are
differentiable. Whose weight stays the same packs once.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import conv2d

from impls.sliding_channel_conv2d.layer.sliced_gemm import sliced_gemm
from impls.sliding_channel_conv2d.layer.windows import Windows


@dataclass(frozen=True)
class Layer:
    """What a backend must know of a layer besides its weight and bias."""

    windows: Windows
    channels: Tensor
    """(cout, width), int64, where the weight is: the input channel behind each weight."""


@dataclass(frozen=True)
class Backend:
    """One way to compute Y (n, cout, h, w) from x (n, cin, h, w), the packed weight and the bias (cout,) or None."""

    pack: Callable[[Tensor, Layer], Tensor]
    convolve: Callable[[Tensor, Tensor, Tensor | None, Layer], Tensor]
    unable: Callable[[Windows], str | None] = lambda windows: None
    """Why a layer cannot be computed so, or None."""


def _dense_weight(weight: Tensor, layer: Layer) -> Tensor:
    cout, cin = layer.windows.cout, layer.windows.cin
    return weight.new_zeros(cout, cin).scatter(1, layer.channels, weight)[:, :, None, None]


def _masked_dense(x: Tensor, weight: Tensor, bias: Tensor | None, layer: Layer) -> Tensor:
    return conv2d(x, weight, bias)


def _copies_weight(weight: Tensor, layer: Layer) -> Tensor:
    return weight[:, :, None, None]


def _window_copies(x: Tensor, weight: Tensor, bias: Tensor | None, layer: Layer) -> Tensor:
    return conv2d(x.index_select(1, layer.channels.flatten()), weight, bias, groups=layer.windows.cout)


def _grouped_weight(weight: Tensor, layer: Layer) -> Tensor:
    """Filters i, i + N, i + 2N ... beside each other: they share a window."""
    return _by_window(weight, layer.windows)[:, :, None, None]


def _window_groups(x: Tensor, weight: Tensor, bias: Tensor | None, layer: Layer) -> Tensor:
    groups, filters = layer.windows.groups, layer.windows.cout // layer.windows.groups
    copied = x.index_select(1, layer.channels[:groups].flatten())
    y = conv2d(copied, weight, None if bias is None else _by_window(bias, layer.windows), groups=groups)
    return y.reshape(x.shape[0], groups, filters, *x.shape[2:]).transpose(1, 2).flatten(1, 2)


def _by_window(parameter: Tensor, windows: Windows) -> Tensor:
    return parameter.reshape(-1, windows.groups, *parameter.shape[1:]).transpose(0, 1).flatten(0, 1)


BACKENDS = {
    "masked_dense": Backend(_dense_weight, _masked_dense),
    "window_copies": Backend(_copies_weight, _window_copies),
    "window_groups": Backend(_grouped_weight, _window_groups, Windows.why_not_grouped),
    "sliced_gemm": Backend(
        pack=lambda weight, layer: weight,
        convolve=lambda x, weight, bias, layer: sliced_gemm(x, weight, bias, layer.windows),
    ),
}
"""By name: a dense pointwise convolution, whose weight is zero outside the windows; the paper's two compositions, one
window copied for each filter, or each distinct window copied once; products on slices of the input, nothing copied."""


def choose(x: Tensor, windows: Windows) -> str:
    """The backend for an input of this shape, by what was fastest on one Zen 4 core, forward, fp32.

    Dense wastes cg times the arithmetic but runs it best, so the others win only where few windows serve many filters:
    copied windows on planes so small that copies are cheap, slices else. A GPU has no such measurements: dense.
    """
    few = windows.cycle <= 32 and windows.cout >= 4 * windows.cycle
    if x.device.type != "cpu" or not few:
        return "masked_dense"
    if x.shape[-2] * x.shape[-1] <= 64 and windows.why_not_grouped() is None:
        return "window_groups"
    return "sliced_gemm" if windows.cycle <= 4 or x.shape[0] >= 8 else "masked_dense"


def require(name: str, windows: Windows) -> str:
    """``name``, where it is "auto" or a backend that can compute the layer; ValueError otherwise."""
    if name != "auto" and name not in BACKENDS:
        raise ValueError(f"no backend {name!r}; choose from auto, {', '.join(BACKENDS)}")
    if name != "auto" and (reason := BACKENDS[name].unable(windows)):
        raise ValueError(f"backend {name!r} cannot compute this layer: {reason}")
    return name
