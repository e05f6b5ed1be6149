"""The layer and its gradients as operators of PyTorch, for compilers, exporters and autograd.

Each operator is linear in each of its tensors. Its derivatives are again such operators, and so are those of any order.
``setting`` holds the fields of ``Windows`` as five integers: cin, cout, cg, and co as a fraction.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.convolution import Convolution
from impls.sliding_channel_conv2d.cuda.formats import Format, format_of
from impls.sliding_channel_conv2d.layer.composed import (
    composed,
    composed_bias_gradient,
    composed_input_gradient,
    composed_weight_gradient,
)

TAGS = (torch.Tag.cudagraph_unsafe,)
"""Tags that keep operators out of torch.compile's CUDA graphs, in whose memory the tables of a first call would lie."""


def setting_of(windows: Windows) -> list[int]:
    """Return the settings of a layer as the operators take them: cin, cout, cg, and co as numerator and denominator."""
    return [windows.cin, windows.cout, windows.cg, *windows.co.as_integer_ratio()]


@lru_cache(maxsize=512)
def _windows(*setting: int) -> Windows:
    cin, cout, cg, *co = setting
    return Windows(cin, cout, cg, Fraction(*co))


def _convolution(tensor: Tensor, setting: list[int]) -> Convolution:
    return _cached_convolution(_windows(*setting), format_of(tensor.dtype, tf32_allowed()), tensor.device)


@lru_cache(maxsize=512)
def _cached_convolution(windows: Windows, format_: Format, device: torch.device) -> Convolution:
    """Return a convolution that is kept with its tables, so that these are copied to the device only once."""
    from impls.sliding_channel_conv2d.cuda.launcher import gpu

    return Convolution(windows, format_, gpu(device))


def tf32_allowed() -> bool:
    """Whether float32 may be multiplied as TF32 in a convolution."""
    convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    return bool(convolutions.fp32_precision == "tf32")


def _check_convolve(x: Tensor, weight: Tensor, bias: Tensor | None, setting: list[int]) -> None:
    cin, cout, cg, *_ = setting
    _check_images("x", x, cin)
    _check("weight", weight, (cout, cin // cg), x)
    if bias is not None:
        _check("bias", bias, (cout,), x)


def _check_input_gradient(dy: Tensor, weight: Tensor, setting: list[int]) -> None:
    cin, cout, cg, *_ = setting
    _check_images("dy", dy, cout)
    _check("weight", weight, (cout, cin // cg), dy)


def _check_weight_gradient(dy: Tensor, x: Tensor, setting: list[int]) -> None:
    cin, cout, *_ = setting
    _check_images("x", x, cin)
    _check("dy", dy, (x.shape[0], cout, *x.shape[2:]), x)


def _check_images(name: str, images: Tensor, channels: int) -> None:
    if images.dim() != 4 or images.shape[1] != channels:
        raise ValueError(f"expected {name} (n, {channels}, h, w), not {tuple(images.shape)}")


def _check(name: str, tensor: Tensor, shape: tuple[int, ...], like: Tensor) -> None:
    """Refuse tensors that do not fit: kernels get bare pointers and cannot check them."""
    if tuple(tensor.shape) != shape:
        raise ValueError(f"expected {name} {shape}, not {tuple(tensor.shape)}")
    if (tensor.dtype, tensor.device) != (like.dtype, like.device):
        raise TypeError(f"{name} is {tensor.dtype} on {tensor.device}, not {like.dtype} on {like.device}")


@torch.library.custom_op("featherbench::sliding_channel_conv2d", mutates_args=(), device_types="cuda", tags=TAGS)
def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, setting: list[int]) -> Tensor:
    """Compute Y (n, cout, h, w) from x (n, cin, h, w), weight (cout, width) and bias (cout,)."""
    _check_convolve(x, weight, bias, setting)
    return _convolution(x, setting).forward(x, weight, bias)


@torch.library.custom_op(
    "featherbench::sliding_channel_conv2d_input_gradient", mutates_args=(), device_types="cuda", tags=TAGS
)
def input_gradient(dy: Tensor, weight: Tensor, setting: list[int]) -> Tensor:
    """Compute dX (n, cin, h, w) from dy (n, cout, h, w) and weight (cout, width)."""
    _check_input_gradient(dy, weight, setting)
    return _convolution(dy, setting).input_gradient(dy, weight)


@torch.library.custom_op(
    "featherbench::sliding_channel_conv2d_weight_gradient", mutates_args=(), device_types="cuda", tags=TAGS
)
def weight_gradient(dy: Tensor, x: Tensor, setting: list[int]) -> Tensor:
    """Compute dW (cout, width) from dy (n, cout, h, w) and x (n, cin, h, w)."""
    _check_weight_gradient(dy, x, setting)
    return _convolution(x, setting).weight_gradient(dy, x)


@torch.library.custom_op(
    "featherbench::sliding_channel_conv2d_parameter_gradients", mutates_args=(), device_types="cuda", tags=TAGS
)
def parameter_gradients(dy: Tensor, x: Tensor, setting: list[int]) -> Tensor:
    """Compute dW and dbias from dy (n, cout, h, w) and x (n, cin, h, w), for ``taken_apart`` to separate.

    They are a single output, since an operator's outputs must not share memory.
    """
    _check_weight_gradient(dy, x, setting)
    return _convolution(x, setting).parameter_gradients(dy, x)


def taken_apart(parameters: Tensor, setting: list[int]) -> tuple[Tensor, Tensor]:
    """Return views of ``parameters`` (cout * width + cout,): its weight (cout, width) and its bias (cout,)."""
    cin, cout, cg, *_ = setting
    count = cout * (cin // cg)
    return parameters[:count].view(cout, cin // cg), parameters[count:]


@convolve.register_kernel("cpu")
def _(x: Tensor, weight: Tensor, bias: Tensor | None, setting: list[int]) -> Tensor:
    _check_convolve(x, weight, bias, setting)
    return _stored_like(x, composed(x, weight, bias, _windows(*setting)))


@input_gradient.register_kernel("cpu")
def _(dy: Tensor, weight: Tensor, setting: list[int]) -> Tensor:
    _check_input_gradient(dy, weight, setting)
    return _stored_like(dy, composed_input_gradient(dy, weight, _windows(*setting)))


@weight_gradient.register_kernel("cpu")
def _(dy: Tensor, x: Tensor, setting: list[int]) -> Tensor:
    _check_weight_gradient(dy, x, setting)
    return composed_weight_gradient(dy, x, _windows(*setting))


@parameter_gradients.register_kernel("cpu")
def _(dy: Tensor, x: Tensor, setting: list[int]) -> Tensor:
    _check_weight_gradient(dy, x, setting)
    dweight = composed_weight_gradient(dy, x, _windows(*setting))
    return torch.cat([dweight.flatten(), composed_bias_gradient(dy)])


@convolve.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None, setting: list[int]) -> Tensor:
    _check_convolve(x, weight, bias, setting)
    return _stored_like(x, x.new_empty(x.shape[0], setting[1], *x.shape[2:]))


@input_gradient.register_fake
def _(dy: Tensor, weight: Tensor, setting: list[int]) -> Tensor:
    _check_input_gradient(dy, weight, setting)
    return _stored_like(dy, dy.new_empty(dy.shape[0], setting[0], *dy.shape[2:]))


@weight_gradient.register_fake
def _(dy: Tensor, x: Tensor, setting: list[int]) -> Tensor:
    _check_weight_gradient(dy, x, setting)
    return x.new_empty(setting[1], setting[0] // setting[2])


@parameter_gradients.register_fake
def _(dy: Tensor, x: Tensor, setting: list[int]) -> Tensor:
    _check_weight_gradient(dy, x, setting)
    cin, cout, cg, *_ = setting
    return x.new_empty(cout * (cin // cg) + cout)


def _stored_like(first: Tensor, output: Tensor) -> Tensor:
    """Return ``output`` in the memory format of ``first``: channels-last or contiguous."""
    nchw = first.is_contiguous() or not first.is_contiguous(memory_format=torch.channels_last)
    return output.contiguous(memory_format=torch.contiguous_format if nchw else torch.channels_last)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    first, second, *_, ctx.setting = inputs
    ctx.save_for_backward(first, second)


def _convolve_backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    needs_dx, needs_dweight, needs_dbias, _ = ctx.needs_input_grad
    dx = input_gradient(dy, weight, ctx.setting) if needs_dx else None
    if needs_dweight and needs_dbias:
        return dx, *taken_apart(parameter_gradients(dy, x, ctx.setting), ctx.setting), None
    dweight = weight_gradient(dy, x, ctx.setting) if needs_dweight else None
    return dx, dweight, composed_bias_gradient(dy) if needs_dbias else None, None


def _input_gradient_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    dy, weight = ctx.saved_tensors
    return convolve(grad, weight, None, ctx.setting), weight_gradient(dy, grad, ctx.setting), None


def _weight_gradient_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    dy, x = ctx.saved_tensors
    return convolve(x, grad, None, ctx.setting), input_gradient(dy, grad, ctx.setting), None


def _parameter_gradients_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    dy, x = ctx.saved_tensors
    grad_weight, grad_bias = taken_apart(grad, ctx.setting)
    return convolve(x, grad_weight, grad_bias, ctx.setting), input_gradient(dy, grad_weight, ctx.setting), None


convolve.register_autograd(_convolve_backward, setup_context=_setup_context)
input_gradient.register_autograd(_input_gradient_backward, setup_context=_setup_context)
weight_gradient.register_autograd(_weight_gradient_backward, setup_context=_setup_context)
parameter_gradients.register_autograd(_parameter_gradients_backward, setup_context=_setup_context)
