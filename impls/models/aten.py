"""Reads graphs of torch.export: calls of ATen's operators, and the tensors that are given with them."""

from typing import Any

from torch import Tensor, nn
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.fx import Node


def trace_as_convolutions(network: nn.Module) -> None:
    """Have the sliding-channel layers of a network traced as convolutions, whatever they run with."""
    for module in network.modules():
        if isinstance(getattr(type(module), "backend", None), property):
            module.backend = "auto"  # type: ignore[assignment]


def with_dense_layers(network: nn.Module) -> nn.Module:
    """Return a network, changed in place, with dense layers for those that have a method ``as_dense``."""
    for name, module in list(network.named_modules()):
        if callable(as_dense := getattr(module, "as_dense", None)):
            if not name:
                return as_dense()  # type: ignore[no-any-return]
            parent, _, own_name = name.rpartition(".")
            setattr(network.get_submodule(parent), own_name, as_dense())
    return network


def tensors_of(exported: ExportedProgram) -> dict[str, Tensor]:
    """Return the parameters, buffers and constants of a graph by the names of its nodes."""
    signature = exported.graph_signature
    tensors = {**exported.state_dict, **exported.constants}
    names = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    return {node: tensors[name] for node, name in names.items()}


def operator_of(node: Node) -> str:
    """Return the operator that a node calls: ``conv2d`` of ATen, ``torchvision::deform_conv2d``; else empty."""
    if not isinstance(node.target, OpOverload):
        return ""
    name = node.target.overloadpacket.__name__
    return name if node.target.namespace == "aten" else f"{node.target.namespace}::{name}"


def arguments_of(node: Node) -> dict[str, Any]:
    """Return the arguments of a call of an operator by name, defaults included."""
    schema = node.target._schema.arguments  # type: ignore[union-attr]
    given = dict(zip((argument.name for argument in schema), node.args, strict=False)) | node.kwargs
    return {argument.name: given.get(argument.name, argument.default_value) for argument in schema}


def pair(value: Any) -> tuple[int, int]:
    """Return an argument for rows and columns, which may be one number for both."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    return values[0], values[-1]
