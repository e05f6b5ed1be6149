"""Reads an ONNX file as one network of images, counts its work, and computes it."""

from collections.abc import Mapping
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper
from onnx.external_data_helper import load_external_data_for_model
from onnx.reference import ReferenceEvaluator

from bench.core.errors import UsageError
from bench.core.layers import InputSize
from impls.models.onnx_file import MAX_FILE_BYTES, first_line, read_proto

PRODUCTS = ("Conv", "Gemm", "MatMul")
"""Operators whose multiply-accumulates are counted."""
UNCOUNTED = (
    *(
        "Attention",
        "ConvInteger",
        "ConvTranspose",
        "DeformConv",
        "Einsum",
        "GRU",
        "If",
        "LSTM",
        "Loop",
        "MatMulInteger",
    ),
    *("QLinearConv", "QLinearMatMul", "RNN", "Scan"),
)
"""Operators that multiply and accumulate too, for which there is no rule."""


class OnnxNetwork:
    """A network of one batch of images, with one output.

    Args:
        proto: the model with its weights and the sizes of its tensors.
    """

    def __init__(self, proto: ModelProto) -> None:
        self._proto = proto
        (self._input,) = _inputs(proto.graph)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the input: batch, channels, height, width."""
        return tuple(dim.dim_value for dim in self._input.type.tensor_type.shape.dim)

    @property
    def model(self) -> bytes:
        """The whole model, as a file without external data has it."""
        serialized: bytes = self._proto.SerializeToString(deterministic=True)
        return serialized

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return the weights, and other constants, by name."""
        return {tensor.name: numpy_helper.to_array(tensor) for tensor in self._proto.graph.initializer}

    def parameters(self) -> int:
        """Return the number of weights in float32."""
        tensors = self._proto.graph.initializer
        return sum(prod(tensor.dims) for tensor in tensors if tensor.data_type == TensorProto.FLOAT)

    def macs(self) -> int | None:
        """Return the multiply-accumulates of a call; None where an operator has no rule, or a size is not known."""
        graph = self._proto.graph
        shapes = {value.name: _known_shape(value) for value in (*graph.input, *graph.value_info, *graph.output)}
        shapes |= {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
        if any(node.op_type in UNCOUNTED for node in graph.node):
            return None
        counts = [_macs(node, shapes) for node in graph.node if node.op_type in PRODUCTS]
        return None if None in counts else sum(count for count in counts if count is not None)

    def compute(self, x: NDArray[Any], weights: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the output for an input and these weights, in the input's dtype, by ONNX's definitions of operators.

        Args:
            x: of the shape ``shape``, in float32 or float64.
            weights: as ``weights()`` names them, in float32.
        """
        proto = ModelProto()
        proto.CopyFrom(self._proto)
        for tensor in proto.graph.initializer:
            tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name], tensor.name))
        if x.dtype == np.float64:
            _widen(proto.graph)
        (output,) = ReferenceEvaluator(proto).run(None, {self._input.name: x})
        return np.asarray(output)


@cache
def read_network(path: Path, inputs: tuple[InputSize, ...]) -> OnnxNetwork:
    """Return the network in an ONNX file, with the weights that it keeps in files beside it.

    Its operators are verified, and nothing is unpickled. Local functions are inlined.

    Args:
        path: the file.
        inputs: the size of its input, where the file leaves it open.

    Raises:
        UsageError: where the file cannot be read or is not valid, has an operator that ONNX does not define, or does
            not take one batch of images and return one tensor, both in float32.
    """
    proto = read_proto(path, inputs)
    try:
        load_external_data_for_model(proto, str(path.parent))
        proto = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
        onnx.checker.check_model(proto, full_check=True)
        ReferenceEvaluator(proto)
    except Exception as error:  # onnx raises types of its own, and of its C++ code
        raise UsageError(f"{path} is no valid ONNX model: {first_line(error)}") from None
    if proto.ByteSize() > MAX_FILE_BYTES:
        raise UsageError(f"{path}: the model has more than 2 GiB with its weights")
    tensors = [*_inputs(proto.graph), *proto.graph.output]
    is_float = all(value.type.tensor_type.elem_type == TensorProto.FLOAT for value in tensors)
    if len(tensors) != 2 or not is_float or len(tensors[0].type.tensor_type.shape.dim) != 4:
        raise UsageError(f"{path}: a network takes one batch of images and returns one tensor, both in float32")
    return OnnxNetwork(proto)


def _inputs(graph: GraphProto) -> list[ValueInfoProto]:
    weights = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in weights]


def _known_shape(value: ValueInfoProto) -> tuple[int, ...] | None:
    """Return the shape of a tensor; None where a length is not known."""
    tensor = value.type.tensor_type
    lengths = tuple(dim.dim_value for dim in tensor.shape.dim)
    return lengths if tensor.HasField("shape") and all(lengths) else None


def _macs(node: NodeProto, shapes: dict[str, tuple[int, ...] | None]) -> int | None:
    left, right, output = (shapes.get(name) for name in (*node.input[:2], node.output[0]))
    if left is None or right is None or output is None:
        return None
    if node.op_type == "Conv":
        return prod(output) * prod(right[1:])
    transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return prod(output) * left[0 if transposed else -1]


def _widen(graph: GraphProto) -> None:
    """Make every number in float32 of a graph one in float64, in its branches and loops too."""
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    for tensor in (*graph.initializer, *(each.t for each in attributes if each.type == AttributeProto.TENSOR)):
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.DOUBLE
            for nested in (*attribute.graphs, *([attribute.g] if attribute.type == AttributeProto.GRAPH else [])):
                _widen(nested)
