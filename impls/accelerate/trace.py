"""Splits a network into segments that the engine computes, and calls that PyTorch computes."""

import copy
import operator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.export.graph_signature import OutputKind
from torch.fx import Node
from torch.fx.node import map_arg
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import TreeSpec

from impls.accelerate.convert import TAKING_FLATTENED, UnsupportedError, convert, require, take_channels
from impls.accelerate.in_place import rename_changes
from impls.accelerate.operations import Image, Operation, Segment
from impls.models.aten import arguments_of, operator_of, tensors_of


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
    outputs: tuple[Any, ...]
    """Nodes whose tensors the network returns, and plain values."""
    structure: TreeSpec
    """That of the network's outputs: tuples, dictionaries."""
    constants: dict[str, Any]
    """The parameters and other constants that calls of PyTorch read, or the network returns, by their nodes' names."""


def trace(network: nn.Module, example: Tensor) -> Trace:
    """Trace a network with torch.export, for inputs of the example's shape and any batch.

    Args:
        network: in evaluation mode.
        example: (batch, channels, height, width), float32.

    Raises:
        ValueError: where it cannot be traced, changes its buffers, or computes a batch of one in another way.
    """
    image = example[:1]
    several = torch.cat([image, image])  # A batch of one would become a constant of the trace.
    with torch.no_grad():
        if _calls(network, image) != _calls(network, several):
            raise ValueError("the network computes a batch of one in another way than others, as squeeze() does")
        try:
            exported = torch.export.export(network, (several,), dynamic_shapes=({0: Dim("batch")},))
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"torch.export cannot trace the network for any batch: {reason}") from error
        if not rename_changes(exported):
            exported = exported.run_decompositions({})
    if changed := list(exported.graph_signature.buffers_to_mutate.values()):
        raise ValueError(f"the network changes its buffer {changed[0]} when it is called")
    return _Tracer(exported).run()


def _calls(network: nn.Module, x: Tensor) -> list[tuple[Any, int]]:
    """Return the functions that a network calls, each with the number of its output's dimensions."""
    calls = []

    class Recorder(TorchFunctionMode):
        def __torch_function__(
            self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            output = function(*args, **(kwargs or {}))
            calls.append((function, output.dim() if isinstance(output, Tensor) else 0))
            return output

    network = copy.deepcopy(network)
    with Recorder():
        network(x.clone())
    return calls


_RESHAPING = ("view", "reshape", "transpose", "clone", "contiguous")
"""Operators of which a shuffle of channels consists."""
_SPLITTING = ("chunk", "split", "split_with_sizes")


class _Tracer:
    def __init__(self, exported: ExportedProgram) -> None:
        self.exported = exported
        self.constants: dict[str, Any] = dict(tensors_of(exported))
        (self.input,) = exported.graph_signature.user_inputs
        self.batch = ""
        """The symbol of the batch's size."""
        self.parts: list[Part] = []
        self.images: dict[str, tuple[NativePart, Any]] = {}
        """The part that computes a node, and its image, list of images, or image with an order of channels."""
        self.sizes: set[str] = set()
        """The nodes that are sizes of tensors and that calls of PyTorch read."""
        self.imported: dict[str, Image] = {}
        """The images of the current part's inputs, by the names of their nodes."""

    def run(self) -> Trace:
        for node in self.exported.graph.nodes:
            if node.name == self.input:
                self.batch = str(node.meta["val"].shape[0])
            elif node.op == "get_attr":
                self.constants[node.name] = getattr(self.exported.graph_module, node.target)
            elif node.op == "call_function":
                self._call(node)
        (output,) = (node for node in self.exported.graph.nodes if node.op == "output")
        specs = self.exported.graph_signature.output_specs
        outputs = tuple(
            value for value, spec in zip(output.args[0], specs, strict=True) if spec.kind is OutputKind.USER_OUTPUT
        )
        map_arg(outputs, self._tensor)
        parts = [part for part in self.parts if isinstance(part, TorchPart) or part.outputs]
        structure = self.exported.call_spec.out_spec
        assert structure is not None
        return Trace(parts, str(self.input), outputs, structure, self._constants_of(parts, outputs))

    def _constants_of(self, parts: list[Part], outputs: tuple[Any, ...]) -> dict[str, Any]:
        """Return the constants that calls of PyTorch read, or the network returns; segments have copies of others."""
        read = {
            argument.name for part in parts if isinstance(part, TorchPart) for argument in part.node.all_input_nodes
        }
        read |= {value.name for value in outputs if isinstance(value, Node)}
        return {name: constant for name, constant in self.constants.items() if name in read}

    def _call(self, node: Node) -> None:
        if self._is_constant(node):
            self.constants[node.name] = self._evaluate(node)
            return
        if isinstance(node.meta.get("val"), torch.SymInt):
            return  # a size; the shapes of images state it as well
        try:
            self.images[node.name] = self._convert(node)
        except UnsupportedError as error:
            self._fall_back(node, str(error))

    def _convert(self, node: Node) -> tuple[NativePart, Any]:
        """Return the part that computes a node, and the image or images."""
        if node.target is operator.getitem:
            source_part, source = self.images.get(node.all_input_nodes[0].name, (None, None))
            if source_part is None or not isinstance(source, list):
                raise UnsupportedError("it takes an element of what is no list of images")
            return source_part, source[node.args[1]]  # type: ignore[index]
        name = (operator_of(node) or str(node.target)).removesuffix("_")
        part = self._native()
        operations: list[Operation] = []
        image: Any = self._shuffle(operations, part, node) if name in _RESHAPING else None
        if image is None:
            splits = name in _SPLITTING
            if not splits:
                require(name)
            images = map_arg(arguments_of(node), lambda argument: self._argument(part, argument))
            if name not in TAKING_FLATTENED:
                self._require_unflattened(node)
            if splits:
                image = self._split(operations, images, node)
            else:
                value = node.meta["val"]
                is_tuple = isinstance(value, tuple)
                dims = (2, 3, 4) if name == "unsqueeze" else (2, 4)
                shape = self._shape(value[0] if is_tuple else value, dims)
                operations, image = convert(name, {**images, "operator": name}, shape)
                image = [image] if is_tuple else image
        part.segment.operations.extend(operations)
        return part, image

    def _split(self, operations: list[Operation], arguments: dict[str, Any], node: Node) -> list[Image]:
        x = arguments["self"]
        if not isinstance(x, Image) or arguments["dim"] not in (1, -3):
            raise UnsupportedError("the engine splits channels only")
        images, start = [], 0
        for tensor in node.meta["val"]:
            count = self._shape(tensor)[0]
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
        source_part, source = self.images.get(argument.name, (None, None))
        if source_part is not part:
            source = self._argument(part, argument)
        shape = self._shape(node.meta["val"], dims=(2, 4, 5))
        if isinstance(source, Image):
            if len(shape) != 4 or shape[2:] != (source.height, source.width):
                return None
            return source, torch.arange(source.channels).reshape(shape[:2])
        if not isinstance(source, tuple):
            return None
        image, channels = source
        if operator_of(node) in ("clone", "contiguous"):
            return source
        if operator_of(node) == "transpose" and set(node.args[1:]) == {1, 2}:
            return image, channels.T
        if shape == (image.channels, image.height, image.width):
            return take_channels(operations, image, channels.flatten().tolist())
        return None

    def _shape(self, value: Any, dims: tuple[int, ...] = (2, 4)) -> tuple[int, ...]:
        """Return the shape of an image or vector without the batch.

        Raises:
            UnsupportedError: where a value is no such tensor, or its first dimension is not the network's batch.
        """
        if not isinstance(value, Tensor) or value.dtype != torch.float32 or value.dim() not in dims:
            raise UnsupportedError("a value is no float32 image or vector")
        batch, *shape = value.shape
        if str(batch) != self.batch or not all(isinstance(size, int) for size in shape):
            raise UnsupportedError("a value's first dimension is not the batch, or another one depends on it")
        return tuple(shape)

    def _require_unflattened(self, node: Node) -> None:
        for argument in node.all_input_nodes:
            _, image = self.images.get(argument.name, (None, None))
            if not isinstance(image, Image) or argument.meta["val"].dim() != 2:
                continue
            if (image.height, image.width) != (1, 1):
                raise UnsupportedError("only linear layers take images that are flattened")

    def _fall_back(self, node: Node, reason: str) -> None:
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
        name = node.name
        if name in self.constants:
            return self.constants[name]
        source_part, image = self.images.get(name, (None, None))
        if source_part is part and isinstance(image, Image):
            return image
        value = node.meta["val"]
        if isinstance(value, torch.SymInt):
            return value
        if name not in self.imported:
            image = Image(*self._shape(value))
            self._tensor(node)
            self.imported[name] = image
            part.segment.inputs.append(self.imported[name])
            part.inputs.append(name)
        return self.imported[name]

    def _tensor(self, node: Node) -> str:
        """Make a tensor of what a node computes, if it is none; return its name."""
        name = node.name
        if isinstance(node.meta.get("val"), torch.SymInt):
            if name not in self.sizes:
                self.sizes.add(name)
                self._fall_back(node, "")
            return name
        part, image = self.images.get(name, (None, None))
        if part is None:
            return name
        if not isinstance(image, Image) or node.meta["val"].dim() == 3:
            del self.images[name]
            self._fall_back(node, "the engine reshapes channels only to shuffle them, and vectors only into images")
            return name
        if name not in part.outputs:
            part.outputs.append(name)
            part.segment.outputs.append(image)
            part.flat.append(node.meta["val"].dim() == 2)
        return name

    def _is_constant(self, node: Node) -> bool:
        random = torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())
        return not random and all(argument.name in self.constants for argument in node.all_input_nodes)

    def _evaluate(self, node: Node) -> Any:
        arguments, keywords = map_arg((node.args, node.kwargs), lambda argument: self.constants[argument.name])
        with torch.no_grad():
            return node.target(*arguments, **keywords)  # type: ignore[operator]
