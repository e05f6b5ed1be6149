"""The project's own kernels, for float32 on the CPU."""

from functools import lru_cache

import torch
from torch import Tensor

from impls.native.library import Array
from impls.native.sparse_pointwise import SparsePointwise
from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.layer.composed import composed
from impls.sliding_channel_conv2d.layer.differentiable import Kernels, differentiable


def native(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Compute Y (n, cout, h, w) from x (n, cin, h, w) and weight (cout, width), on as many threads as PyTorch uses.

    The weight is packed at each call. Where gradients are off, it stays packed if it equals, bit by bit, that of the
    last call for the same windows and number of positions. Other dtypes and devices than float32 on the CPU get the
    same products in ordinary operators.
    """
    if not takes(x):
        return composed(x, weight, bias, windows)
    return differentiable(_Native(keep=not torch.is_grad_enabled()), x, weight, bias, windows)


def takes(x: Tensor) -> bool:
    """Whether the kernels themselves can run on ``x``."""
    return x.device.type == "cpu" and x.dtype == torch.float32


class _Native(Kernels):
    """The kernels, on the memory of the tensors where they are contiguous."""

    def __init__(self, keep: bool) -> None:
        self._keep = keep

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
        bias_array = None if bias is None else _array(bias)
        return torch.from_numpy(_kernels(windows).convolve(_array(x), _array(weight), bias_array, self._keep))

    def input_gradient(self, dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
        return torch.from_numpy(_kernels(windows).input_gradient(_array(dy), _array(weight)))

    def weight_gradient(self, dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
        return torch.from_numpy(_kernels(windows).weight_gradient(_array(x), _array(dy)))


def _kernels(windows: Windows) -> SparsePointwise:
    return _cached_kernels(windows, torch.get_num_threads())


@lru_cache(maxsize=256)
def _cached_kernels(windows: Windows, threads: int) -> SparsePointwise:
    return SparsePointwise(windows.channels, windows.cin, threads=threads)


def _array(tensor: Tensor) -> Array:
    array: Array = tensor.detach().contiguous().numpy()
    return array
