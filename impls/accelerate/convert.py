"""Turns calls of ATen's operators into operations of the engine."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from impls.accelerate.operations import Array, Convolution, Elementwise, Gather, Image, Operation, Pool
from impls.models.aten import pair


class UnsupportedError(Exception):
    """The engine cannot compute a call; the message says why."""


Arguments = dict[str, Any]
"""The arguments of a call by name: images, tensors that do not depend on the network's input, and plain values."""


def convert(operator: str, arguments: Arguments, shape: tuple[int, ...]) -> tuple[list[Operation], Image]:
    """Return the operations that compute a call, and the image that holds its output.

    Args:
        operator: its name in ATen, without a trailing underscore; see ``require``.
        arguments: its arguments.
        shape: the output's, without the batch.

    Raises:
        UnsupportedError: where the engine cannot compute it.
    """
    operations: list[Operation] = []
    output = _CONVERTERS[operator](operations, arguments, shape)
    return operations, output


def require(operator: str) -> None:
    """Check that the engine has an operator.

    Raises:
        UnsupportedError: where it has none of that name.
    """
    if operator not in _CONVERTERS:
        raise UnsupportedError(f"the engine has no operator {operator}")


_RESHAPING = ("flatten", "view", "reshape", "squeeze", "_unsafe_view")
TAKING_FLATTENED = ("linear", "dropout", "contiguous", "clone", "alias", "detach", *_RESHAPING)
"""The operators that take images which are flattened to vectors, but stored as before."""

Converter = Callable[[list[Operation], Arguments, tuple[int, ...]], Image]
_CONVERTERS: dict[str, Converter] = {}


def _converts(*operators: str) -> Callable[[Converter], Converter]:
    def register(converter: Converter) -> Converter:
        _CONVERTERS.update(dict.fromkeys(operators, converter))
        return converter

    return register


@_converts("conv2d")
def _convolution(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    x, weight = _image(arguments["input"]), _array(arguments["weight"])
    stride, dilation = pair(arguments["stride"]), pair(arguments["dilation"])
    padding = arguments["padding"]
    if padding == "same":
        totals = [d * (taps - 1) for d, taps in zip(dilation, weight.shape[2:], strict=True)]
        padding = [total // 2 for total in totals]
    if max(stride) > 2:
        raise UnsupportedError(f"the engine has strides of 1 and 2, not {max(stride)}")
    bias = np.zeros(len(weight), np.float32) if arguments["bias"] is None else _array(arguments["bias"])
    output = Image(*shape)
    operations.append(
        Convolution(
            x=x,
            weight=weight,
            bias=bias,
            stride=stride,
            padding=(0, 0) if padding == "valid" else pair(padding),
            dilation=dilation,
            groups=arguments["groups"],
            output=output,
        )
    )
    return output


@_converts("linear")
def _linear(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    """Convert to a convolution whose kernel is as large as the image that was flattened."""
    x, weight = _image(arguments["input"]), _array(arguments["weight"])
    if weight.shape[1] != x.channels * x.height * x.width or len(shape) != 1:
        raise UnsupportedError("the engine has linear layers of vectors only")
    bias = np.zeros(len(weight), np.float32) if arguments["bias"] is None else _array(arguments["bias"])
    output = Image(len(weight))
    weight = weight.reshape(len(weight), x.channels, x.height, x.width)
    operations.append(Convolution(x=x, weight=weight, bias=bias, output=output))
    return output


@_converts("batch_norm", "_native_batch_norm_legit_no_training")
def _batch_norm(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    if arguments.get("training"):
        raise UnsupportedError("the engine has no batch norm in training mode")
    x = _image(arguments["input"])
    mean, variance = _array(arguments["running_mean"]), _array(arguments["running_var"])
    deviation = np.sqrt(variance.astype(np.float64) + arguments["eps"])
    weight = 1.0 if arguments["weight"] is None else _array(arguments["weight"])
    bias = 0.0 if arguments["bias"] is None else _array(arguments["bias"])
    scale = weight / deviation
    output = Image(*_chw(shape))
    operations.append(
        Elementwise(
            a=x,
            scale=scale.astype(np.float32),
            shift=(bias - mean * scale).astype(np.float32),
            output=output,
        )
    )
    return output


@_converts("relu", "hardtanh", "relu6", "clamp")
def _clamp(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    x = _image(arguments["self"])
    low, high = arguments.get("min_val", arguments.get("min", 0)), arguments.get("max_val", arguments.get("max"))
    bounds = (-math.inf if low is None else float(low), math.inf if high is None else float(high))
    if bounds[0] > 0 or bounds[1] < 0:
        raise UnsupportedError("the engine has only bounds with zero between them")
    output = Image(*_chw(shape))
    operations.append(Elementwise(a=x, bounds=bounds, output=output))
    return output


@_converts("hardswish", "hardsigmoid", "sigmoid", "silu")
def _activation(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    output = Image(*_chw(shape))
    operations.append(Elementwise(a=_image(arguments["self"]), activation=arguments["operator"], output=output))
    return output


@_converts("add")
def _add(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    a, b = _image(arguments["self"]), _image(arguments["other"])
    if arguments.get("alpha", 1) != 1 or _shape(a) != _shape(b):
        raise UnsupportedError("the engine adds images of equal shapes only")
    output = Image(*_chw(shape))
    operations.append(Elementwise(a=a, b=b, op="add", output=output))
    return output


@_converts("mul")
def _multiply(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    a, b = _image(arguments["self"]), _image(arguments["other"])
    if (a.height, a.width) == (1, 1):
        a, b = b, a
    if _shape(a) != _shape(b) and _shape(b) != (a.channels, 1, 1):
        raise UnsupportedError("the engine multiplies images by images of equal shapes, or by one number a channel")
    output = Image(*_chw(shape))
    op = "multiply" if _shape(a) == _shape(b) else "gate"
    operations.append(Elementwise(a=a, b=b, op=op, output=output))  # type: ignore[arg-type]
    return output


@_converts("max_pool2d", "avg_pool2d")
def _pool(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    if arguments.get("divisor_override") or (arguments["ceil_mode"] and "count_include_pad" in arguments):
        raise UnsupportedError("the engine has no average pooling with divisor_override or ceil_mode")
    if max(pair(arguments.get("dilation", 1))) > 1:
        raise UnsupportedError("the engine has no dilated pooling")
    kernel = pair(arguments["kernel_size"])
    output = Image(*shape)
    operations.append(
        Pool(
            x=_image(arguments["self"]),
            kernel=kernel,
            stride=pair(arguments["stride"]) if arguments["stride"] else kernel,
            padding=pair(arguments["padding"]),
            mean=arguments["operator"] == "avg_pool2d",
            counts_padding=arguments.get("count_include_pad", True),
            output=output,
        )
    )
    return output


@_converts("adaptive_avg_pool2d")
def _adaptive_mean(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    x = _image(arguments["self"])
    rows, columns = shape[1:]
    if x.height % rows or x.width % columns:
        raise UnsupportedError(f"the engine does not pool {x.height} x {x.width} to {rows} x {columns}")
    if (x.height, x.width) == (rows, columns):
        return x
    kernel = (x.height // rows, x.width // columns)
    output = Image(*shape)
    operations.append(Pool(x=x, kernel=kernel, stride=kernel, mean=True, output=output))
    return output


@_converts("mean")
def _mean(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    x = _image(arguments["self"])
    if sorted(dim % 4 for dim in arguments.get("dim") or ()) != [2, 3]:
        raise UnsupportedError("the engine averages over height and width only")
    kernel = (x.height, x.width)
    output = Image(x.channels)
    operations.append(Pool(x=x, kernel=kernel, stride=kernel, mean=True, output=output))
    return output


@_converts("cat")
def _concatenation(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    if arguments["dim"] not in (1, -3):
        raise UnsupportedError("the engine concatenates channels only")
    images = [_image(tensor) for tensor in arguments["tensors"]]
    return _gather(operations, [(image, channel) for image in images for channel in range(image.channels)], shape)


def take_channels(operations: list[Operation], x: Image, channels: list[int]) -> Image:
    """Add an operation that copies channels of an image, in the order in which they are listed.

    Raises:
        UnsupportedError: where there are none.
    """
    if not channels:
        raise UnsupportedError("the engine has no images without channels")
    return _gather(operations, [(x, channel) for channel in channels], (len(channels), x.height, x.width))


def _gather(operations: list[Operation], sources: list[tuple[Image, int]], shape: tuple[int, ...]) -> Image:
    output = Image(*shape)
    operations.append(Gather(sources=tuple(sources), output=output))
    return output


@_converts("dropout", "feature_dropout")
def _dropout(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    if arguments["train"]:
        raise UnsupportedError("the engine has no dropout in training mode")
    return _image(arguments["input"] if "input" in arguments else arguments["self"])  # in place it is called self


@_converts("contiguous", "clone", "alias", "detach")
def _identity(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    return _image(arguments["self"])


@_converts(*_RESHAPING)
def _flatten(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    """Return the image unchanged: it keeps its height and width, and ``_linear`` takes them for the kernel's."""
    x = _image(arguments["self"])
    if len(shape) == 1 and shape[0] == x.channels * x.height * x.width:
        return x
    if shape == _shape(x):
        return x
    raise UnsupportedError(f"the engine does not turn {_shape(x)} into {shape}")


@_converts("unsqueeze")
def _unsqueeze(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    x = _image(arguments["self"])
    if (x.height, x.width) != (1, 1) or shape != (x.channels, *[1] * (len(shape) - 1)):
        raise UnsupportedError("the engine has unsqueeze only from a vector to an image")
    return x


@_converts("slice")
def _slice(operations: list[Operation], arguments: Arguments, shape: tuple[int, ...]) -> Image:
    x = _image(arguments["self"])
    if _chw(shape) == _shape(x):
        return x
    bounds = [arguments[name] for name in ("start", "end", "step")]
    if arguments["dim"] not in (1, -len(shape)) or not all(isinstance(each, int | None) for each in bounds):
        raise UnsupportedError("the engine slices channels only")
    return take_channels(operations, x, list(range(x.channels)[slice(*bounds)]))


def _image(argument: Any) -> Image:
    if not isinstance(argument, Image):
        raise UnsupportedError("an argument is no image that depends on the network's input")
    return argument


def _array(argument: Any) -> Array:
    if not isinstance(argument, Tensor):
        raise UnsupportedError("the weights depend on the network's input")
    if argument.dtype != torch.float32:
        raise UnsupportedError(f"the engine has float32 only, not {str(argument.dtype).removeprefix('torch.')}")
    array: Array = argument.detach().cpu().contiguous().numpy()
    return array


def _chw(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return channels, height and width of an output's shape; a vector has height and width 1."""
    channels, *rest = shape
    height, width = rest or (1, 1)
    return channels, height, width


def _shape(image: Image) -> tuple[int, int, int]:
    return image.channels, image.height, image.width
