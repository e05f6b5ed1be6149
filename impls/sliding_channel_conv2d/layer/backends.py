"""Ways to compute the layer with PyTorch, and the choice between them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from impls.native.library import unavailable
from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda import compiler
from impls.sliding_channel_conv2d.layer.channels import channel_index
from impls.sliding_channel_conv2d.layer.cuda import cuda
from impls.sliding_channel_conv2d.layer.differentiable import autocasts
from impls.sliding_channel_conv2d.layer.native import native, takes
from impls.sliding_channel_conv2d.layer.sliced_gemm import sliced_gemm
from impls.sliding_channel_conv2d.layer.sliced_gemm_nhwc import sliced_gemm_nhwc

Parameters = tuple[Tensor, Tensor | None]
"""Weight and bias, which is None where the layer has none."""


@dataclass(frozen=True)
class Backend:
    """One way to compute Y (n, cout, h, w) from x (n, cin, h, w). Both functions are differentiable."""

    pack: Callable[[Tensor, Tensor | None, Windows], Parameters]
    """Converts weight (cout, width) and bias (cout,) to the backend's own form, once where they do not change."""
    convolve: Callable[[Tensor, Tensor, Tensor | None, Windows], Tensor]
    """Computes Y from x and what ``pack`` returned."""
    unsupported: Callable[[Windows], str | None] = lambda windows: None
    """Returns why the backend cannot compute a layer, or None."""


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
    """Place filters i, i + groups, i + 2 groups ..., which share a window, beside each other."""

    def reorder(parameter: Tensor) -> Tensor:
        return parameter.reshape(-1, windows.groups, *parameter.shape[1:]).transpose(0, 1).flatten(0, 1)

    return reorder(weight)[:, :, None, None], None if bias is None else reorder(bias)


def _window_groups(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    copied = x.index_select(1, channel_index(windows, x.device)[: windows.groups].flatten())
    y = conv2d(copied, weight, bias, groups=windows.groups)
    filters = windows.cout // windows.groups
    return y.reshape(x.shape[0], windows.groups, filters, *x.shape[2:]).transpose(1, 2).flatten(1, 2)


BACKENDS = {
    "masked_dense": Backend(_pack_dense, _masked_dense),
    "window_copies": Backend(_pack_for_copies, _window_copies),
    "window_groups": Backend(_pack_by_window, _window_groups, Windows.unsupported_as_groups),
    "sliced_gemm": Backend(_pack_nothing, sliced_gemm),
    "sliced_gemm_nhwc": Backend(_pack_nothing, sliced_gemm_nhwc, Windows.unsupported_as_groups),
    "native": Backend(_pack_nothing, native, lambda windows: unavailable()),
    "cuda": Backend(_pack_nothing, cuda, lambda windows: compiler.unavailable()),
}
"""Backends by name.

- masked_dense: a dense pointwise convolution, whose weight is zero outside the windows.
- window_copies, window_groups: the paper's two compositions, which copy one window for each filter, or each distinct
  window once.
- sliced_gemm, sliced_gemm_nhwc: products on slices of the input, which copy no window; the second for channels-last
  tensors.
- native, cuda: Featherbench's own kernels, for a CPU and for a GPU. "auto" does not choose those for a GPU until a GPU
  has run them; so far an emulated one has.
"""


def choose(x: Tensor, windows: Windows) -> str:
    """Return the backend for ``x``: Featherbench's own CPU kernels wherever they can run, else the best composition.

    For training on channels-last tensors a composition is chosen that keeps that order: the kernels would convert their
    inputs, outputs and gradients.
    """
    if torch.is_grad_enabled() and not torch.compiler.is_compiling() and _is_channels_last(x):
        return _choose_channels_last(x, windows)
    use_native = takes(x) and not torch.compiler.is_compiling() and BACKENDS["native"].unsupported(windows) is None
    return "native" if use_native else choose_composition(x, windows)


def _choose_channels_last(x: Tensor, windows: Windows) -> str:
    """Return the composition that trains fastest on channels-last tensors.

    Slices save multiplications but have to put their outputs in order, so they pay only for many channels.
    """
    on_cpu = x.device.type == "cpu" and not autocasts("cpu")
    use_slices = (
        windows.cin >= MIN_SLICED_CHANNELS
        and windows.cout >= MIN_FILTERS_PER_WINDOW * windows.groups
        and not windows.unsupported_as_groups()
    )
    return "sliced_gemm_nhwc" if on_cpu and use_slices else "masked_dense"


def _is_channels_last(x: Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


MIN_SLICED_CHANNELS = 256
"""Least number of input channels for slices to be chosen, in training on channels-last tensors."""
MIN_FILTERS_PER_WINDOW = 16
"""Least number of filters that share a window for slices to be chosen."""
MIN_BATCH = 8
"""Number of images from which the work of a call outweighs the cost of starting its parts."""


def choose_composition(x: Tensor, windows: Windows) -> str:
    """Return the composition of PyTorch's operators that was fastest on one core, forward, for this shape of input.

    Dense does cg times the arithmetic, but does it fastest. Distinct windows win where few of them serve many filters
    on planes so small that copies are cheap: up to 2x2 for one image, up to 8x8 for 16. Slices are never chosen: they
    seldom win, and mostly lose by far. The committed runs of suite dsxplore show all of them.

    Dense is also the choice on a GPU, where there are no such measurements, and under a compiler, which must not make
    the shape of its example a condition.
    """
    if x.device.type != "cpu" or torch.compiler.is_compiling() or windows.unsupported_as_groups():
        return "masked_dense"
    few = windows.cycle <= 32 and windows.cout >= 4 * windows.cycle
    small = x.shape[-2] * x.shape[-1] <= (64 if x.shape[0] >= MIN_BATCH else 4)
    return "window_groups" if few and small else "masked_dense"


def require(name: str, windows: Windows) -> str:
    """Return ``name``.

    Raises:
        ValueError: where it is neither "auto" nor a backend that can compute the layer.
    """
    if name != "auto" and name not in BACKENDS:
        raise ValueError(f"no backend {name!r}; choose from auto, {', '.join(BACKENDS)}")
    if name != "auto" and (reason := BACKENDS[name].unsupported(windows)):
        raise ValueError(f"backend {name!r} cannot compute this layer: {reason}")
    return name
