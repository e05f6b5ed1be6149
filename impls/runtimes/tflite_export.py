"""Networks as TensorFlow Lite models, rebuilt operator by operator from the graph of ``torch.export``."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from impls.models.aten import operator_of, tensors_of
from impls.runtimes.dense import dense


def convert(network: nn.Module, x: Tensor) -> bytes:
    """Return a network as a model for inputs of the shape of ``x``, stored as (batch, height, width, channels).

    Raises:
        NotImplementedError: where the network has an operator that is not in ``tflite_operators``.
    """
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of PyTorch's own code
        exported = torch.export.export(dense(network), (x,))
    import tensorflow as tf  # not before PyTorch's compiler, since Triton crashes if it is loaded after TensorFlow

    batch, channels, height, width = x.shape
    signature = [tf.TensorSpec((batch, height, width, channels), tf.float32)]
    # Without AutoGraph, which would hide an error's message in one of its own.
    function = tf.function(lambda images: _run(exported, images), input_signature=signature, autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], function)
    return bytes(converter.convert())


def _run(exported: torch.export.ExportedProgram, images: Any) -> Any:
    """Compute the graph with TensorFlow's operators on ``images`` (NHWC), and return its output."""
    from impls.runtimes.tflite_operators import OPERATORS, Values  # imports TensorFlow

    tensors = tensors_of(exported)
    values = Values()
    for node in exported.graph.nodes:
        if node.op == "placeholder":
            values[node] = tensors[node.name].detach().numpy() if node.name in tensors else images
        elif node.op == "output":
            return values[node.args[0][-1]]
        else:
            name = operator_of(node) or node.target.__name__  # such as getitem
            if name not in OPERATORS:
                raise NotImplementedError(f"operator {name} has no counterpart among impls.runtimes.tflite_operators")
            values[node] = OPERATORS[name](values, node)
    raise AssertionError("a graph has an output")
