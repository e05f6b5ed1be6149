"""The project's own kernels, for a GPU."""

import torch
from torch import Tensor

from impls.sliding_channel_conv2d.cuda.compiler import unavailable
from impls.sliding_channel_conv2d.layer.composed import composed
from impls.sliding_channel_conv2d.layer.differentiable import autocasts, differentiable
from impls.sliding_channel_conv2d.layer.operator import convolve, input_gradient, setting_of, weight_gradient
from impls.sliding_channel_conv2d.layer.windows import Windows

DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def cuda(x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
    """Y (n, cout, h, w) of x (n, cin, h, w) and weight (cout, width), with channels last where x has them so.

    float32 is multiplied as TF32 where ``torch.backends.cudnn.allow_tf32`` allows it, as in torch.nn.Conv2d. Under
    autocast all are cast to its dtype first. Other types and devices get the same products in ordinary operators.
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
    return x.device.type == "cuda" and x.dtype in DTYPES and unavailable() is None


class _Cuda:
    """The kernels, by the operators that compilers see too."""

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None, windows: Windows) -> Tensor:
        y: Tensor = convolve(x, weight, bias, setting_of(windows))
        return y

    def input_gradient(self, dy: Tensor, weight: Tensor, windows: Windows) -> Tensor:
        dx: Tensor = input_gradient(dy, weight, setting_of(windows))
        return dx

    def weight_gradient(self, dy: Tensor, x: Tensor, windows: Windows) -> Tensor:
        dweight: Tensor = weight_gradient(dy, x, setting_of(windows))
        return dweight
