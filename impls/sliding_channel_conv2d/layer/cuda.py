"""The project's own kernels, for a GPU."""

import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.compiler import unavailable
from impls.sliding_channel_conv2d.layer.composed import composed
from impls.sliding_channel_conv2d.layer.differentiable import Kernels, autocasts, differentiable
from impls.sliding_channel_conv2d.layer.operator import (
    convolve,
    input_gradient,
    parameter_gradients,
    setting_of,
    taken_apart,
    weight_gradient,
)

GPU = "cuda"
"""Type of the devices that the kernels run on."""
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
LEAST_CAPABILITY = (8, 0)
"""Least compute capability that has TF32, bfloat16 and the products' shapes."""


def cuda(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Compute Y (n, cout, h, w) from x (n, cin, h, w) and weight (cout, width); it is channels-last where x is.

    float32 is multiplied as TF32 where cuDNN's convolutions may be, as in torch.nn.Conv2d. Under autocast all tensors
    are cast to its dtype first. Other dtypes and devices get the same products in ordinary operators. A value that is
    not finite may reach filters that do not read its channel, as in a dense convolution with zeros. Under a compiler,
    function transforms such as torch.func.grad are not supported.
    """
    if not takes(x):
        return composed(x, weight, bias, windows)
    if autocasts(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
        x, weight, bias = x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
    if torch.compiler.is_compiling():
        y: Tensor = convolve(x, weight, bias, setting_of(windows))
        return y
    with torch.autocast(x.device.type, enabled=False):
        return differentiable(_Cuda(), x, weight, bias, windows)


def takes(x: Tensor) -> bool:
    """Whether the kernels themselves can run on ``x``."""
    return x.device.type == GPU and x.dtype in DTYPES and _usable(x.device.index)


def _usable(device: int) -> bool:
    """Whether kernels can be compiled, and for this device; the result never changes."""
    return unavailable() is None and torch.cuda.get_device_capability(device) >= LEAST_CAPABILITY


if torch.version.cuda:  # Other builds never call it, and this imports PyTorch's whole compiler, which takes seconds.
    _usable = torch.compiler.assume_constant_result(_usable)  # type: ignore[no-untyped-call]


class _Cuda(Kernels):
    """The kernels, through the operators that compilers see too."""

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
        y: Tensor = convolve(x, weight, bias, setting_of(windows))
        return y

    def input_gradient(self, dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
        dx: Tensor = input_gradient(dy, weight, setting_of(windows))
        return dx

    def weight_gradient(self, dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
        dweight: Tensor = weight_gradient(dy, x, setting_of(windows))
        return dweight

    def parameter_gradients(self, dy: Tensor, x: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
        setting = setting_of(windows)
        return taken_apart(parameter_gradients(dy, x, setting), setting)
