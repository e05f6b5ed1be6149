"""PyTorch's operators in TensorFlow's, on tensors whose channels are stored last.

A tensor of shape (n, c..., h, w), with four dimensions or more, is stored as (n, h, w, c...). Others are stored as they
are. Parameters are arrays as PyTorch has them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from torch.fx import Node

from impls.models.aten import arguments_of, pair

LOWEST = float(np.finfo(np.float32).min)


class Values(dict[Node, Any]):
    """The tensors and parameters that are computed so far, by their nodes."""

    def arguments(self, node: Node) -> dict[str, Any]:
        """Return the arguments of an operator by name, with its defaults; nodes are replaced by their values."""
        return {name: self.value(argument) for name, argument in arguments_of(node).items()}

    def value(self, argument: Any) -> Any:
        """Return the value of a node, or of each node of a list, or any other argument as it is."""
        if isinstance(argument, Node):
            return self[argument]
        return [self.value(part) for part in argument] if isinstance(argument, list | tuple) else argument


Operator = Callable[[Values, Node], Any]


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(map(int, node.meta["val"].shape))


def _order(rank: int) -> tuple[int, ...]:
    """Return which dimension each dimension of a stored tensor is."""
    return (0, rank - 2, rank - 1, *range(1, rank - 2)) if rank >= 4 else tuple(range(rank))


def _axis(dimension: int, rank: int) -> int:
    """Return the axis at which a dimension is stored."""
    return _order(rank).index(dimension % rank)


def _padded(x: Any, padding: Any, value: float = 0.0) -> Any:
    """Return images with rows and columns of ``value`` around them."""
    vertical, horizontal = pair(padding)
    if not (vertical or horizontal):
        return x
    return tf.pad(x, ((0, 0), (vertical, vertical), (horizontal, horizontal), (0, 0)), constant_values=value)


def _conv2d(values: Values, node: Node) -> Any:
    given = values.arguments(node)
    weight, stride, dilation = given["weight"], pair(given["stride"]), pair(given["dilation"])
    if isinstance(given["padding"], str):
        raise NotImplementedError(f"a convolution with padding={given['padding']}")
    x, channels = _padded(given["input"], given["padding"]), _shape(node.args[0])[1]
    if 1 < given["groups"] == channels:
        filters = weight.reshape(channels, -1, *weight.shape[2:]).transpose(2, 3, 0, 1)
        # tf.nn.depthwise_conv2d makes the same operator, but warns of what TensorFlow's own kernel could not run.
        strides, dilations = (1, *stride, 1), (1, *dilation, 1)
        y = tf.raw_ops.DepthwiseConv2dNative(
            input=x, filter=filters, strides=strides, padding="VALID", dilations=dilations
        )
    else:
        y = tf.nn.conv2d(x, weight.transpose(2, 3, 1, 0), stride, "VALID", dilations=dilation)
    return y if given["bias"] is None else tf.nn.bias_add(y, given["bias"])


def _batch_norm(values: Values, node: Node) -> Any:
    """Return a product and a sum, which the converter folds into the convolution before them."""
    given = values.arguments(node)
    scale = 1 / np.sqrt(given["running_var"] + np.float32(given["eps"]))
    scale = scale if given["weight"] is None else scale * given["weight"]
    shift = -given["running_mean"] * scale
    return given["input"] * scale + (shift if given["bias"] is None else shift + given["bias"])


def _linear(values: Values, node: Node) -> Any:
    given = values.arguments(node)
    y = tf.linalg.matmul(given["input"], given["weight"], transpose_b=True)
    return y if given["bias"] is None else y + given["bias"]


def _max_pool2d(values: Values, node: Node) -> Any:
    given = values.arguments(node)
    if given["ceil_mode"] or pair(given["dilation"]) != (1, 1):
        raise NotImplementedError("a maximum pooling with ceil_mode or dilation")
    x = _padded(given["self"], given["padding"], LOWEST)
    return tf.nn.max_pool2d(x, pair(given["kernel_size"]), pair(given["stride"] or given["kernel_size"]), "VALID")


def _avg_pool2d(values: Values, node: Node) -> Any:
    given = values.arguments(node)
    padded = any(pair(given["padding"]))
    if given["ceil_mode"] or given["divisor_override"] or (padded and not given["count_include_pad"]):
        raise NotImplementedError("an average pooling with ceil_mode, another divisor or uncounted padding")
    x = _padded(given["self"], given["padding"])
    return tf.nn.avg_pool2d(x, pair(given["kernel_size"]), pair(given["stride"] or given["kernel_size"]), "VALID")


def _adaptive_avg_pool2d(values: Values, node: Node) -> Any:
    size = _shape(node.args[0])[2:]
    outputs = _shape(node)[2:]
    x = values.arguments(node)["self"]
    if outputs == (1, 1):
        return tf.reduce_mean(x, (1, 2), keepdims=True)
    if any(length % count for length, count in zip(size, outputs, strict=True)):
        raise NotImplementedError(f"an adaptive pooling from {size} to {outputs}, whose windows differ in size")
    window = tuple(length // count for length, count in zip(size, outputs, strict=True))
    return tf.nn.avg_pool2d(x, window, window, "VALID")


def _mean(values: Values, node: Node) -> Any:
    given, shape = values.arguments(node), _shape(node.args[0])
    if len(shape) >= 4 and len(_shape(node)) not in (2, len(shape)):
        raise NotImplementedError(f"a mean from {shape} to {_shape(node)}")
    return tf.reduce_mean(given["self"], [_axis(dim, len(shape)) for dim in given["dim"]], keepdims=given["keepdim"])


def _reshape(values: Values, node: Node) -> Any:
    """Return the tensor in another shape, transposed before and after where channels and pixels mix."""
    x, before, after = values[node.args[0]], _shape(node.args[0]), _shape(node)  # type: ignore[index]
    if isinstance(x, np.ndarray):
        return x.reshape(after)
    if min(len(before), len(after)) >= 4 and (before[0], *before[-2:]) == (after[0], *after[-2:]):
        return tf.reshape(x, [after[dimension] for dimension in _order(len(after))])
    if len(before) >= 4 and before[-2:] != (1, 1):
        x = tf.transpose(x, np.argsort(_order(len(before))))
    x = tf.reshape(x, after)
    return tf.transpose(x, _order(len(after))) if len(after) >= 4 else x


def _permuted(values: Values, node: Node, dimensions: list[int]) -> Any:
    order = _order(len(dimensions))
    return tf.transpose(values[node.args[0]], [order.index(dimensions[axis]) for axis in order])  # type: ignore[index]


def _permute(values: Values, node: Node) -> Any:
    rank = len(_shape(node))
    return _permuted(values, node, [dimension % rank for dimension in values.arguments(node)["dims"]])


def _transpose(values: Values, node: Node) -> Any:
    given, rank = values.arguments(node), len(_shape(node))
    dimensions, first, second = list(range(rank)), given["dim0"] % rank, given["dim1"] % rank
    dimensions[first], dimensions[second] = second, first
    return _permuted(values, node, dimensions)


def _channel_shuffle(values: Values, node: Node) -> Any:
    given, (_, channels, height, width) = values.arguments(node), _shape(node)
    groups = given["groups"]
    split = tf.reshape(given["self"], (-1, height, width, groups, channels // groups))
    return tf.reshape(tf.transpose(split, (0, 1, 2, 4, 3)), (-1, height, width, channels))


def _cat(values: Values, node: Node) -> Any:
    given = values.arguments(node)
    return tf.concat(given["tensors"], _axis(given["dim"], len(_shape(node))))


def _parts(values: Values, node: Node) -> Any:
    """Return the parts of ``chunk`` and ``split``, of the sizes that PyTorch gave them."""
    given = values.arguments(node)
    shapes = [tuple(map(int, part.shape)) for part in node.meta["val"]]
    rank, dimension = len(shapes[0]), given["dim"] % len(shapes[0])
    return tf.split(given["self"], [shape[dimension] for shape in shapes], _axis(dimension, rank))


def _slice(values: Values, node: Node) -> Any:
    given, shape = values.arguments(node), _shape(node.args[0])
    x, dimension = given["self"], given["dim"] % len(shape)
    axis = dimension if isinstance(x, np.ndarray) else _axis(dimension, len(shape))
    part = slice(*slice(given["start"], given["end"], given["step"]).indices(shape[dimension]))
    return x[(slice(None),) * axis + (part,)]


def _operand(values: Values, node: Node, argument: Any) -> Any:
    """Return an operand of an element-wise operator, a parameter with its dimensions in the order of the output's."""
    value = values.value(argument)
    rank = len(_shape(node))
    if isinstance(value, np.ndarray) and value.ndim > 1:
        return value.reshape((1,) * (rank - value.ndim) + value.shape).transpose(_order(rank))
    if isinstance(value, np.ndarray) and value.ndim == 1 and rank >= 4:
        raise NotImplementedError("a parameter for each column of an image")
    return value


def _elementwise(function: Callable[[Any, Any], Any]) -> Operator:
    def operator(values: Values, node: Node) -> Any:
        if node.kwargs.get("alpha", 1) != 1:
            raise NotImplementedError("a sum with a factor")
        return function(*(_operand(values, node, argument) for argument in node.args[:2]))

    return operator


def _activation(function: Callable[[Any], Any]) -> Operator:
    return lambda values, node: function(values[node.args[0]])  # type: ignore[index]


def _hardtanh(values: Values, node: Node) -> Any:
    given = values.arguments(node)
    low, high = given["min_val"], given["max_val"]
    return tf.nn.relu6(given["self"]) if (low, high) == (0, 6) else tf.clip_by_value(given["self"], low, high)


def _getitem(values: Values, node: Node) -> Any:
    return values[node.args[0]][node.args[1]]  # type: ignore[index]


_hardsigmoid = _activation(lambda x: tf.nn.relu6(x + 3.0) * np.float32(1 / 6))
_hardswish = _activation(lambda x: x * tf.nn.relu6(x + 3.0) * np.float32(1 / 6))
_relu, _silu = _activation(tf.nn.relu), _activation(lambda x: x * tf.sigmoid(x))
_add, _mul, _unchanged = _elementwise(tf.add), _elementwise(tf.multiply), _activation(lambda x: x)

OPERATORS: dict[str, Operator] = {
    "adaptive_avg_pool2d": _adaptive_avg_pool2d,
    "add": _add,
    "add_": _add,
    "avg_pool2d": _avg_pool2d,
    "batch_norm": _batch_norm,
    "cat": _cat,
    "channel_shuffle": _channel_shuffle,
    "chunk": _parts,
    "clone": _unchanged,
    "contiguous": _unchanged,
    "conv2d": _conv2d,
    "dropout": _unchanged,
    "dropout_": _unchanged,
    "flatten": _reshape,
    "getitem": _getitem,
    "hardsigmoid": _hardsigmoid,
    "hardsigmoid_": _hardsigmoid,
    "hardswish": _hardswish,
    "hardswish_": _hardswish,
    "hardtanh": _hardtanh,
    "hardtanh_": _hardtanh,
    "linear": _linear,
    "max_pool2d": _max_pool2d,
    "mean": _mean,
    "mul": _mul,
    "mul_": _mul,
    "permute": _permute,
    "relu": _relu,
    "relu_": _relu,
    "reshape": _reshape,
    "sigmoid": _activation(tf.sigmoid),
    "sigmoid_": _activation(tf.sigmoid),
    "silu": _silu,
    "silu_": _silu,
    "slice": _slice,
    "split": _parts,
    "split_with_sizes": _parts,
    "squeeze": _reshape,
    "transpose": _transpose,
    "unsqueeze": _reshape,
    "view": _reshape,
}
"""By ATen's names; a name that ends with an underscore computes in place, which makes no difference in a graph."""
