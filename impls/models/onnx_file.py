"""Reads the convolutions of an ONNX file. Weights are read only where their zeros matter."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    ValueInfoProto,
    helper,
    inliner,
    numpy_helper,
)

from bench.core.errors import UsageError
from bench.core.layers import InputSize
from impls.models.model import Convolution, Model, pattern_of

MAX_FILE_BYTES = 2**31 - 1
"""The largest message that protobuf reads."""
STANDARD_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training")
OTHER_CONVOLUTIONS = {
    "ConvTranspose": "it is a transposed convolution",
    "ConvInteger": "it multiplies integers",
    "QLinearConv": "it is quantised",
    "DeformConv": "it is a deformable convolution",
    "FusedConv": "it is an operator of a runtime's own",
}

Shape = tuple[int | None, ...]


class TensorInfo(NamedTuple):
    """What the graph says of a tensor."""

    shape: Shape | None
    dtype: str


def read_onnx(path: Path, inputs: tuple[InputSize, ...]) -> Model:
    """Return the convolutions of an ONNX file; ``inputs`` are the sizes that the file leaves open.

    Raises:
        UsageError: where the file cannot be read, or the size of an input or of a convolution is not known.
    """
    proto = read_proto(path, inputs)
    try:
        graph = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    except Exception as error:  # onnx raises its own types for models that contradict themselves
        raise UsageError(f"{path}: the sizes of its layers contradict each other: {first_line(error)}") from None
    return _GraphReader(path, graph).read()


def read_proto(path: Path, inputs: tuple[InputSize, ...]) -> ModelProto:
    """Return the model in an ONNX file with the sizes of its inputs, without its external data.

    Raises:
        UsageError: where the file cannot be read, or the size of an input is not known or contradicts the file.
    """
    proto = _load(path)
    _set_input_sizes(path, proto.graph, inputs)
    if inputs:
        _forget_shapes(proto.graph)
    return proto


def _load(path: Path) -> ModelProto:
    """Return the model without its external data, with local functions inlined."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise UsageError(
                f"{path} has {size / 2**30:.1f} GiB, and protobuf reads at most 2 GiB: save weights as external data"
            )
        proto = onnx.load_model(path, load_external_data=False)
        if proto.functions:
            proto = inliner.inline_local_functions(proto)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (DecodeError, ValueError) as error:
        raise UsageError(f"{path} is no ONNX file, or is cut off: {first_line(error)}") from None
    if not proto.graph.node:
        raise UsageError(f"{path} is no ONNX model: it has no layers")
    return proto


def _set_input_sizes(path: Path, graph: GraphProto, sizes: tuple[InputSize, ...]) -> None:
    """Write ``sizes`` into the graph's inputs.

    Raises:
        UsageError: where a size fits no input, or an input's size stays open.
    """
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in weights}
    named = [size.name for size in sizes if size.name]
    if repeated := {name for name in named if named.count(name) > 1}:
        raise UsageError(f"--input-size gives input {min(repeated)} twice")
    open_names = iter([name for name in inputs if name not in named])
    for size in sizes:
        name = size.name or next(open_names, "")
        if not name:
            raise UsageError(f"{path} has only {_inputs_text(len(inputs))}, so --input-size {size} is one too many")
        _set_input_size(path, inputs, InputSize(name, size.shape))
    for name, value in inputs.items():
        shape = _shape(value)
        if shape is None or None in shape:
            raise UsageError(
                f"{path}: input {name} has dynamic dimensions, ({_open_shape(value)}); "
                f"give its size, such as --input-size {name}={_example(shape)}"
            )


def _inputs_text(count: int) -> str:
    return "1 input" if count == 1 else f"{count} inputs"


def _forget_shapes(graph: GraphProto) -> None:
    """Delete what the file says of the sizes of tensors, since the sizes of its inputs may have been others.

    The sizes that custom operators return are kept, since nothing else tells them.
    """
    custom = {name for node in graph.node if node.domain not in STANDARD_DOMAINS for name in node.output}
    kept = [value for value in graph.value_info if value.name in custom]
    del graph.value_info[:]
    graph.value_info.extend(kept)
    for value in graph.output:
        if value.name not in custom:
            value.type.tensor_type.ClearField("shape")


def _set_input_size(path: Path, inputs: Mapping[str, ValueInfoProto], size: InputSize) -> None:
    if size.name not in inputs:
        raise UsageError(f"{path} has no input {size.name!r}; choose from {', '.join(inputs)}")
    value = inputs[size.name]
    declared = _shape(value)
    fits = declared is None or (
        len(declared) == len(size.shape)
        and all(own in (None, given) for own, given in zip(declared, size.shape, strict=True))
    )
    if not fits:
        raise UsageError(f"{path}: input {size.name} is ({_open_shape(value)}), but --input-size is {size}")
    dims = value.type.tensor_type.shape.dim
    del dims[:]
    for length in size.shape:
        dims.add().dim_value = length


class _GraphReader:
    """Reads the convolutions of a graph whose shapes have been inferred."""

    def __init__(self, path: Path, graph: GraphProto) -> None:
        self.path = path
        self.graph = graph
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.producers = {name: node for node in graph.node for name in node.output}
        self.tensors = {
            value.name: TensorInfo(_shape(value), _dtype(value.type.tensor_type.elem_type))
            for value in (*graph.input, *graph.value_info, *graph.output)
        }
        self.tensors |= {
            name: TensorInfo(tuple(tensor.dims), _dtype(tensor.data_type)) for name, tensor in self.weights.items()
        }

    def read(self) -> Model:
        model = Model({}, {})
        for node in self.graph.node:
            if node.op_type == "Conv" or node.op_type in OTHER_CONVOLUTIONS:
                model.add(_name(node), self._why_left_out(node) or self._convolution(node))
            for nested in _convolutions_in_subgraphs(node):
                model.add(_name(nested), f"it is in a branch or loop of {node.op_type} {_name(node)}")
        return model

    def _why_left_out(self, node: NodeProto) -> str:
        """Return why an operator is not a 2-D convolution of floats; empty where it is."""
        if reason := OTHER_CONVOLUTIONS.get(node.op_type):
            return reason
        if node.domain not in STANDARD_DOMAINS:
            return f"it is the custom operator {node.domain}::{node.op_type}"
        weight = self.tensors.get(node.input[1])
        sizes = _attributes(node).get("kernel_shape") or (weight.shape or ())[2:] if weight else ()
        if sizes and len(sizes) != 2:
            return f"it is a {len(sizes)}-D convolution"
        producer = self.producers.get(node.input[1])
        return "it is quantised" if producer and producer.op_type == "DequantizeLinear" else ""

    def _convolution(self, node: NodeProto) -> Convolution:
        name = _name(node)
        weight = self._require_shape(node.input[1], f"the weight of {name}")
        shape, dtype = self._require_shape(node.input[0], f"the input of {name}"), self.tensors[node.input[0]].dtype
        n, cin, *size = shape
        attributes = _attributes(node)
        stride = tuple(attributes.get("strides", (1, 1)))
        dilation = tuple(attributes.get("dilations", (1, 1)))
        convolution = Convolution(
            n=n,
            cin=cin,
            cout=weight[0],
            h=size[0],
            w=size[1],
            kernel=(weight[2], weight[3]),
            stride=(stride[0], stride[1]),
            padding=self._padding(node, size, weight[2:], stride, dilation),
            dilation=(dilation[0], dilation[1]),
            groups=attributes.get("group", 1),
            bias=len(node.input) > 2 and bool(node.input[2]),
            dtype=dtype,
        )
        if not convolution.is_pointwise:
            return convolution
        try:
            values = self._values(node.input[1])
        except LookupError:  # it depends on the model's input
            return convolution
        return replace(convolution, pattern=pattern_of(values != 0))

    def _require_shape(self, tensor: str, what: str) -> tuple[int, ...]:
        """Return the shape of a tensor of four dimensions; raise UsageError where the graph does not tell it."""
        shape = self.tensors[tensor].shape if tensor in self.tensors else None
        if shape is None or len(shape) != 4 or None in shape:
            custom = next((node for node in self._ancestors(tensor) if node.domain not in STANDARD_DOMAINS), None)
            cause = f": {custom.domain}::{custom.op_type} before it is a custom operator" if custom else ""
            raise UsageError(f"{self.path}: the size of {what} is not known{cause}")
        return tuple(length for length in shape if length is not None)

    def _ancestors(self, tensor: str) -> Iterator[NodeProto]:
        """Yield the operators that a tensor depends on, nearest first."""
        waiting, seen = [tensor], set[str]()
        while waiting:
            name = waiting.pop(0)
            if name not in seen and (node := self.producers.get(name)):
                yield node
                waiting += node.input
            seen.add(name)

    def _values(self, tensor: str) -> NDArray[Any]:
        """Return the values of a weight, which may be a constant, or the product of two, such as one with a mask.

        Raises:
            LookupError: where it is something else.
            UsageError: where its file cannot be read.
        """
        if tensor not in self.weights:
            node = self.producers[tensor]
            if node.op_type == "Constant" and "value" in (attributes := _attributes(node)):
                return numpy_helper.to_array(attributes["value"])
            if node.op_type == "Identity":
                return self._values(node.input[0])
            if node.op_type == "Mul":
                return np.asarray(self._values(node.input[0]) * self._values(node.input[1]))
            raise LookupError(tensor)
        try:
            return numpy_helper.to_array(self.weights[tensor], str(self.path.parent))
        except Exception as error:  # a missing file, or one that is too short
            raise UsageError(f"{self.path}: cannot read weight {tensor}: {first_line(error)}") from None

    def _padding(
        self,
        node: NodeProto,
        size: list[int],
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        dilation: tuple[int, ...],
    ) -> tuple[int, int, int, int]:
        """Return the zeros at the top, bottom, left and right."""
        attributes = _attributes(node)
        automatic = attributes.get("auto_pad", b"").decode() or "NOTSET"
        if automatic == "NOTSET":
            top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
            return top, bottom, left, right
        if automatic == "VALID":
            return 0, 0, 0, 0
        if automatic not in ("SAME_UPPER", "SAME_LOWER"):
            raise UsageError(f"{self.path}: {_name(node)} has an unknown auto_pad {automatic!r}")
        ends = []
        for length, kernel_size, step, gap in zip(size, kernel, stride, dilation, strict=True):
            outputs = -(-length // step)
            total = max(0, (outputs - 1) * step + gap * (kernel_size - 1) + 1 - length)
            less, more = total // 2, total - total // 2
            ends.append((less, more) if automatic == "SAME_UPPER" else (more, less))
        return (*ends[0], *ends[1])


def _name(node: NodeProto) -> str:
    """Return the name of a node, or that of its output, as names are optional."""
    return str(node.name or node.output[0])


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _convolutions_in_subgraphs(node: NodeProto) -> Iterator[NodeProto]:
    for attribute in node.attribute:
        graphs = [attribute.g] if attribute.type == AttributeProto.GRAPH else attribute.graphs
        for graph in graphs:
            for nested in graph.node:
                if nested.op_type == "Conv" or nested.op_type in OTHER_CONVOLUTIONS:
                    yield nested
                yield from _convolutions_in_subgraphs(nested)


def _shape(value: ValueInfoProto) -> Shape | None:
    """Return the shape of a tensor, with None for open lengths; None where not even its rank is known."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim)


def _open_shape(value: ValueInfoProto) -> str:
    """Return a shape as the file has it, e.g. ``batch, 3, 224, 224``."""
    dims = value.type.tensor_type.shape.dim
    return ", ".join(str(dim.dim_value) if dim.dim_value > 0 else dim.dim_param or "?" for dim in dims) or "any rank"


def _example(shape: Shape | None) -> str:
    """Return a size that fits: a batch of 1, and 224 where another length is open."""
    first, *others = shape or (1, 3, 224, 224)
    return "x".join(map(str, (first or 1, *(length or 224 for length in others))))


def _dtype(element_type: int) -> str:
    try:
        return np.dtype(helper.tensor_dtype_to_np_dtype(element_type)).name
    except (KeyError, ValueError):
        return "an unknown type"


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its type where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
