"""Operators that change tensors in place."""

from collections import Counter
from typing import Any

from torch import Tensor
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.fx import Node

from impls.models.aten import arguments_of


def rename_changes(exported: ExportedProgram) -> bool:
    """Let calls that follow a change in place read what the change returns, so that each value has its own node.

    Returns False where that is not possible: where a tensor is changed that has views, or that is not computed from the
    network's input. The graph computes the same in any case.
    """
    computed: set[Node] = set()
    names: Counter[int] = Counter()
    """How many nodes have each storage, those that changed it left out."""
    inputs = exported.graph_signature.user_inputs
    for node in exported.graph.nodes:
        if changed := _changed(node):
            first = changed[0]
            has_views = any(names[storage] > 1 for storage in _storages(first))
            if len(changed) > 1 or first is not node.args[0] or first not in computed or has_views:
                return False
            later = [user for user in first.users if user > node]
            for user in later:
                user.replace_input_with(first, node)
        else:
            names.update(_storages(node))
        if any(argument in computed or argument.name in inputs for argument in node.all_input_nodes):
            computed.add(node)
    return True


def _changed(node: Node) -> list[Any]:
    """Return the arguments that a call changes in place."""
    if not isinstance(node.target, OpOverload):
        return []
    given, schema = arguments_of(node), node.target._schema.arguments
    if given.get("train") is False:  # dropout, which then changes nothing
        return []
    written = (argument.name for argument in schema if argument.alias_info is not None and argument.alias_info.is_write)
    return [given[name] for name in written if given[name] is not None]


def _storages(node: Node) -> set[int]:
    """Return the memory of a node's tensors."""
    value = node.meta.get("val")
    tensors = value if isinstance(value, list | tuple) else [value]
    return {tensor.untyped_storage()._cdata for tensor in tensors if isinstance(tensor, Tensor)}
