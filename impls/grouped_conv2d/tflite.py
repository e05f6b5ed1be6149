"""TensorFlow Lite: a one-operator model, run by LiteRT."""

import tensorflow as tf

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase
from impls.loaders.tflite import load


class TfLite(Implementation):
    """A TensorFlow Lite model of one CONV_2D or DEPTHWISE_CONV_2D, run by LiteRT with XNNPACK on NHWC tensors."""

    workload = "grouped_conv2d"
    requires = ("ai-edge-litert", "tensorflow-cpu")
    note = (
        "Timed: the copy of the input into the interpreter, the model, and the copy of the output out of it. Both are "
        "stored as NHWC, so no change of layout is timed. Padding that is not TensorFlow's SAME is a PAD of its own in "
        "the model. Conversion and packing of weights are not timed."
    )

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        return None if case.dtype == "float32" else "TensorFlow Lite convolves float32, not float64"

    def prepare(self, problem: Problem, target: Target) -> Call:
        return load(_model(problem), problem.lay_out("x", (0, 2, 3, 1)), len(target.cores))


def _model(problem: Problem) -> bytes:
    case: GroupedConv2dCase = problem.case
    weight = problem.constants["weight"]
    top, bottom, left, right = case.padding
    is_same = case.padding == _same_padding(case)
    padding = "SAME" if is_same else "VALID"

    def convolve(x: tf.Tensor) -> tf.Tensor:
        if not is_same and any(case.padding):
            x = tf.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
        if 1 < case.groups == case.cin:
            filters = weight.reshape(case.cin, -1, *case.kernel).transpose(2, 3, 0, 1)
            # tf.nn.depthwise_conv2d makes the same operator, but warns of what TensorFlow's own kernel could not run.
            strides, dilations = (1, *case.stride, 1), (1, *case.dilation, 1)
            y = tf.raw_ops.DepthwiseConv2dNative(
                input=x, filter=filters, strides=strides, padding=padding, dilations=dilations
            )
        else:
            y = tf.nn.conv2d(x, weight.transpose(2, 3, 1, 0), case.stride, padding, dilations=case.dilation)
        return tf.nn.bias_add(y, problem.constants["bias"]) if case.bias else y

    signature = [tf.TensorSpec((case.n, case.h, case.w, case.cin), tf.float32)]
    function = tf.function(convolve, input_signature=signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], function)
    return bytes(converter.convert())


def _same_padding(case: GroupedConv2dCase) -> tuple[int, ...]:
    """Return TensorFlow's SAME padding: enough for ceil(size / stride) outputs, with the odd one at the end."""
    padding = []
    sizes = zip((case.h, case.w), case.kernel, case.stride, case.dilation, strict=True)
    for size, kernel, stride, dilation in sizes:
        total = max(0, (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size)
        padding += [total // 2, total - total // 2]
    return tuple(padding)
