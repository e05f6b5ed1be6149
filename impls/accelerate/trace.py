"""Splits a network into segments that the engine computes, and calls that PyTorch computes."""

import operator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx import Node
from torch.fx.node import map_arg

from impls.accelerate.convert import UnsupportedError, arguments_of, convert, require, take_channels
from impls.accelerate.operations import Image, Operation, Segment


@dataclass
class NativePart:
    """A segment, and the tensors that it reads and computes."""

    segment: Segment = field(default_factory=Segment)
    inputs: list[str] = field(default_factory=list)
    """Name of the tensor of each input of the segment."""
    outputs: list[str] = field(default_factory=list)
    """Name of the tensor of each output of the segment."""
    flat: list[bool] = field(default_factory=list)
    """For each output, whether its tensor is (batch, features) instead of (batch, channels, height, width)."""


@dataclass
class TorchPart:
    """A call that PyTorch computes, and the reason; it is empty where the call returns a size of a tensor."""

    node: Node
    reason: str


Part = NativePart | TorchPart


@dataclass
class Trace:
    """A network as parts that run one after another."""

    parts: list[Part]
    input: str
    output: Any
    """The names of tensors in the network's own structure of outputs."""
    constants: dict[str, Tensor]


def trace(network: nn.Module, example: Tensor) -> Trace:
    """Trace a network with torch.export, for inputs of the example's shape and any batch.

    Args:
        network: in evaluation mode.
        example: (batch, channels, height, width), float32.
    """
    # A batch of one would become a constant of the trace.
    several = torch.cat([example[:1], example[:1]])
    with torch.no_grad():
        exported = torch.export.export(network, (several,), dynamic_shapes=({0: Dim("batch")},))
    return _Tracer(exported).run()


_RESHAPING = ("view", "reshape", "transpose", "clone", "contiguous")
"""Operators of which a shuffle of channels consists."""
_SPLITTING = ("chunk", "split", "split_with_sizes")


class _Tracer:
    def __init__(self, exported: ExportedProgram) -> None:
        signature = exported.graph_signature
        tensors = {**exported.state_dict, **exported.constants}
        names = {
            **signature.inputs_to_parameters,
            **signature.inputs_to_buffers,
            **signature.inputs_to_lifted_tensor_constants,
        }
        self.graph = exported.graph
        self.constants: dict[str, Tensor] = {node: tensors[name] for node, name in names.items()}
        (self.input,) = signature.user_inputs
        self.parts: list[Part] = []
        self.images: dict[str, tuple[NativePart, Any]] = {}
        """The part that computes a node, and its image, list of images, or image with an order of channels."""
        self.mutated: dict[str, str] = {}
        """For each node that an operator changed in place, the node that has its new value."""
        self.sizes: set[str] = set()
        """The nodes that are sizes of tensors and that calls of PyTorch read."""
        self.imported: dict[str, Image] = {}
        """The images of the current part's inputs, by the names of their nodes."""

    def run(self) -> Trace:
        (output,) = (node for node in self.graph.nodes if node.op == "output")
        for node in self.graph.nodes:
            if node.op == "call_function":
                self._call(node)
        result = map_arg(output.args[0], self._tensor)
        result = result[0] if isinstance(result, tuple | list) and len(result) == 1 else result
        parts = [part for part in self.parts if isinstance(part, TorchPart) or part.outputs]
        return Trace(parts, str(self.input), result, self.constants)

    def _call(self, node: Node) -> None:
        if self._is_constant(node):
            self.constants[node.name] = self._evaluate(node)
            return
        if "val" in node.meta and isinstance(node.meta["val"], torch.SymInt):
            return  # a size; the shapes of images state it as well
        try:
            self.images[node.name] = self._convert(node)
        except UnsupportedError as error:
            self._keep(node, str(error))
            return
        if _name(node).endswith("_") and isinstance(node.args[0], Node):
            self.mutated[self._current(node.args[0])] = node.name

    def _convert(self, node: Node) -> tuple[NativePart, Any]:
        """Return the part that computes a node, and the image or images."""
        if node.target is operator.getitem:
            source_part, source = self.images.get(self._current(node.args[0]), (None, None))  # type: ignore[arg-type]
            if source_part is None or not isinstance(source, list):
                raise UnsupportedError("it takes an element of what is no list of images")
            return source_part, source[node.args[1]]  # type: ignore[index]
        name = _name(node).removesuffix("_")
        part = self._native()
        operations: list[Operation] = []
        image: Any = self._shuffle(operations, part, node) if name in _RESHAPING else None
        if image is None:
            splits = name in _SPLITTING
            if not splits:
                require(name)
            images = map_arg(arguments_of(node), lambda argument: self._argument(part, argument))
            if splits:
                image = self._split(operations, images, node)
            else:
                shape = tuple(map(int, node.meta["val"].shape[1:]))
                operations, image = convert(name, {**images, "operator": name}, shape)
        part.segment.operations.extend(operations)
        return part, image

    def _split(self, operations: list[Operation], arguments: dict[str, Any], node: Node) -> list[Image]:
        x = arguments["self"]
        if not isinstance(x, Image) or arguments["dim"] not in (1, -3):
            raise UnsupportedError("the engine splits channels only")
        images, start = [], 0
        for tensor in node.meta["val"]:
            count = int(tensor.shape[1])
            images.append(take_channels(operations, x, list(range(start, start + count))))
            start += count
        return images

    def _shuffle(self, operations: list[Operation], part: NativePart, node: Node) -> Any:
        """Return what a step of a channel shuffle leaves: reshape to (groups, channels), transpose, flatten again.

        Before the last step, that is a pair: the image that is shuffled, and an array of its channels in the new order.
        After it, that is an image. None is returned for reshapings that are no part of a shuffle.
        """
        argument = node.args[0]
        assert isinstance(argument, Node)
        source_part, source = self.images.get(self._current(argument), (None, None))
        if source_part is not part:
            source = self._argument(part, argument)
        shape = tuple(map(int, node.meta["val"].shape[1:]))
        if isinstance(source, Image):
            if len(shape) != 4 or shape[2:] != (source.height, source.width):
                return None
            return source, torch.arange(source.channels).reshape(shape[:2])
        if not isinstance(source, tuple):
            return None
        image, channels = source
        if _name(node) in ("clone", "contiguous"):
            return source
        if _name(node) == "transpose" and set(node.args[1:]) == {1, 2}:
            return image, channels.T
        if shape == (image.channels, image.height, image.width):
            return take_channels(operations, image, channels.flatten().tolist())
        return None

    def _keep(self, node: Node, reason: str) -> None:
        """Leave a call to PyTorch, and have its arguments as tensors."""
        map_arg((node.args, node.kwargs), self._tensor)
        self.parts.append(TorchPart(node, reason))

    def _native(self) -> NativePart:
        """Return the part that the next operations belong to, a new one after a call of PyTorch."""
        if not self.parts or isinstance(self.parts[-1], TorchPart):
            self.parts.append(NativePart())
            self.imported = {}
        part = self.parts[-1]
        assert isinstance(part, NativePart)
        return part

    def _argument(self, part: NativePart, node: Node) -> Any:
        """Return a constant, or the image that the part has of a node; an input of the part where it has none yet."""
        name = self._current(node)
        if name in self.constants:
            return self.constants[name]
        source_part, image = self.images.get(name, (None, None))
        if source_part is part and isinstance(image, Image):
            return image
        if name not in self.imported:
            value = node.meta["val"]
            if not isinstance(value, Tensor) or value.dtype != torch.float32 or value.dim() not in (2, 4):
                raise UnsupportedError("an argument is no float32 image or vector")
            self._tensor(node)
            self.imported[name] = Image(*map(int, value.shape[1:]))
            part.segment.inputs.append(self.imported[name])
            part.inputs.append(name)
        return self.imported[name]

    def _tensor(self, node: Node) -> str:
        """Make a tensor of what a node computes, if it is none; return its name."""
        name = self._current(node)
        if isinstance(node.meta.get("val"), torch.SymInt):
            if name not in self.sizes:
                self.sizes.add(name)
                self._keep(node, "")
            return name
        part, image = self.images.get(name, (None, None))
        if part is None:
            return name
        if not isinstance(image, Image):
            del self.images[name]
            self._keep(node, "the engine reshapes channels only to shuffle them")
            return name
        if name not in part.outputs:
            part.outputs.append(name)
            part.segment.outputs.append(image)
            part.flat.append(node.meta["val"].dim() == 2)
        return name

    def _current(self, node: Node) -> str:
        name = node.name
        while name in self.mutated:
            name = self.mutated[name]
        return name

    def _is_constant(self, node: Node) -> bool:
        return all(argument.name in self.constants for argument in node.all_input_nodes)

    def _evaluate(self, node: Node) -> Any:
        arguments, keywords = map_arg((node.args, node.kwargs), lambda argument: self.constants[argument.name])
        with torch.no_grad():
            return node.target(*arguments, **keywords)  # type: ignore[operator]


def _name(node: Node) -> str:
    """Return an operator's name, such as ``relu_``."""
    packet = getattr(node.target, "overloadpacket", None)
    return str(packet.__name__) if packet is not None else getattr(node.target, "__name__", str(node.target))
