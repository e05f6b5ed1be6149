"""Ways to compute the layer with PyTorch, and the choice between them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from impls.native.library import unavailable
from impls.sliding_channel_conv2d.cuda import compiler
from impls.sliding_channel_conv2d.layer.channels import channel_index
from impls.sliding_channel_conv2d.layer.cuda import cuda
from impls.sliding_channel_conv2d.layer.native import native, takes
from impls.sliding_channel_conv2d.layer.sliced_gemm import sliced_gemm
from impls.sliding_channel_conv2d.layer.windows import Windows

Parameters = tuple[Tensor, Tensor | None]
"""Weight and bias (None where there is none)."""


@dataclass(frozen=True)
class Backend:
    """One way to compute Y (n, cout, h, w) from x (n, cin, h, w). Both functions are differentiable."""

    pack: Callable[[Tensor, Tensor | None, Windows], Parameters]
    """Brings weight (cout, width) and bias (cout,) into its own form. Who keeps them the same packs once."""
    convolve: Callable[[Tensor, Tensor, Tensor | None, Windows], Tensor]
    """From x and what ``pack`` returned."""
    unable: Callable[[Windows], str | None] = lambda windows: None
    """Why a layer cannot be computed so, or None."""


def _pack_nothing(weight: Tensor, bias: Tensor | None, windows: Windows) -> Parameters:
    return weight, bias


def _pack_dense(weight: Tensor, bias: Tensor | None, windows: Windows) -> Parameters:
    channels = channel_index(windows, weight.device)
    dense = weight.new_zeros(windows.cout, windows.cin).scatter(1, channels, weight)
    return dense[:, :, None, None], bias


def _masked_dense(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    return conv2d(x, weight, bias)


def _pack_for_copies(weight: Tensor, bias: Tensor | None, windows: Windows) -> Parameters:
    return weight[:, :, None, None], bias


def _window_copies(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    copied = x.index_select(1, channel_index(windows, x.device).flatten())
    return conv2d(copied, weight, bias, groups=windows.cout)


def _pack_by_window(weight: Tensor, bias: Tensor | None, windows: Windows) -> Parameters:
    """Filters i, i + groups, i + 2 groups ... beside each other: they share a window."""

    def by_window(parameter: Tensor) -> Tensor:
        return parameter.reshape(-1, windows.groups, *parameter.shape[1:]).transpose(0, 1).flatten(0, 1)

    return by_window(weight)[:, :, None, None], None if bias is None else by_window(bias)


def _window_groups(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    copied = x.index_select(1, channel_index(windows, x.device)[: windows.groups].flatten())
    y = conv2d(copied, weight, bias, groups=windows.groups)
    filters = windows.cout // windows.groups
    return y.reshape(x.shape[0], windows.groups, filters, *x.shape[2:]).transpose(1, 2).flatten(1, 2)


BACKENDS = {
    "masked_dense": Backend(_pack_dense, _masked_dense),
    "window_copies": Backend(_pack_for_copies, _window_copies),
    "window_groups": Backend(_pack_by_window, _window_groups, Windows.why_not_grouped),
    "sliced_gemm": Backend(_pack_nothing, sliced_gemm),
    "native": Backend(_pack_nothing, native, lambda windows: unavailable()),
    "cuda": Backend(_pack_nothing, cuda, lambda windows: compiler.unavailable()),
}
"""By name: a dense pointwise convolution, whose weight is zero outside the windows; the paper's two compositions, one
window copied for each filter, or each distinct window copied once; products on slices of the input, nothing copied; the
project's own kernels, for a CPU and for a GPU. The latter are only for who asks for them, until a GPU has run them: so
far an emulated one has."""


def choose(x: Tensor, windows: Windows) -> str:
    """The backend for ``x``: the project's own kernels wherever they can run, else the best composition."""
    own = takes(x) and not torch.compiler.is_compiling() and BACKENDS["native"].unable(windows) is None
    return "native" if own else choose_composition(x, windows)


BATCH = 8
"""Images from which the work of a call outweighs what it costs to start its parts."""


def choose_composition(x: Tensor, windows: Windows) -> str:
    """The composition of PyTorch's operators for an input of this shape, by what was fastest on one core, forward.

    Dense wastes cg times the arithmetic but runs it best. Distinct windows win where few of them serve many filters on
    planes so small that copies are cheap: of one image up to 2x2, of 16 up to 8x8. Slices are only for who asks for
    them: they seldom win, and mostly lose by far. The runs of suite dsxplore that are committed show all of them.

    A GPU has no such measurements: dense; and a compiler must not make the shape of its example a condition: dense.
    """
    if x.device.type != "cpu" or torch.compiler.is_compiling() or windows.why_not_grouped():
        return "masked_dense"
    few = windows.cycle <= 32 and windows.cout >= 4 * windows.cycle
    small = x.shape[-2] * x.shape[-1] <= (64 if x.shape[0] >= BATCH else 4)
    return "window_groups" if few and small else "masked_dense"


def require(name: str, windows: Windows) -> str:
    """``name``, where it is "auto" or a backend that can compute the layer; ValueError otherwise."""
    if name != "auto" and name not in BACKENDS:
        raise ValueError(f"no backend {name!r}; choose from auto, {', '.join(BACKENDS)}")
    if name != "auto" and (reason := BACKENDS[name].unable(windows)):
        raise ValueError(f"backend {name!r} cannot compute this layer: {reason}")
    return name
