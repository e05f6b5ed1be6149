"""The project's own kernels, for float32 on the CPU."""

from functools import lru_cache

import torch
from torch import Tensor

from bench.core.workload import Array
from impls.native.planes import SparsePointwise
from impls.sliding_channel_conv2d.layer.composed import composed
from impls.sliding_channel_conv2d.layer.differentiable import Kernels, differentiable
from impls.sliding_channel_conv2d.layer.windows import Windows


def native(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Y (n, cout, h, w) of x (n, cin, h, w) and weight (cout, width).

    The weight is packed at each call; where gradients are off, only if it is not, bit by bit, that of the last call for
    such windows and as many positions. Other types and devices than float32 on the CPU get the same products in
    ordinary operators. Uses as many threads as PyTorch does.
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
        of = None if bias is None else _array(bias)
        return torch.from_numpy(_packed(windows).convolve(_array(x), _array(weight), of, self._keep))

    def input_gradient(self, dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
        return torch.from_numpy(_packed(windows).input_gradient(_array(dy), _array(weight)))

    def weight_gradient(self, dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
        return torch.from_numpy(_packed(windows).weight_gradient(_array(x), _array(dy)))


def _packed(windows: Windows) -> SparsePointwise:
    return _kernels(windows, torch.get_num_threads())


@lru_cache(maxsize=256)
def _kernels(windows: Windows, threads: int) -> SparsePointwise:
    return SparsePointwise(windows.channels, windows.cin, threads=threads)


def _array(tensor: Tensor) -> Array:
    array: Array = tensor.detach().contiguous().numpy()
    return array
