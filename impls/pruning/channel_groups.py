"""Channels that can only be removed together, found by the dependency graph of torch-pruning (arXiv 2301.12900)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
import torch_pruning
from numpy.typing import NDArray
from torch import Tensor, nn

Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]
PRUNABLE = (nn.Conv2d, nn.Linear)


@dataclass(frozen=True)
class LayerChannels:
    """Where the channels of a group are in one layer."""

    layer: nn.Module
    """A convolution, a fully connected layer or a batch norm."""
    side: Literal["inputs", "outputs"]
    """Of a batch norm, and of a depthwise convolution, always ``outputs``."""
    positions: Indices
    """Their indices in the layer."""
    channels: Indices
    """The channel of the group at each position; a channel has several where its image is flattened."""


@dataclass(frozen=True)
class ChannelGroup:
    """Channels of which each is removed from all of these layers, or from none."""

    name: str
    """Name of the layer that computes them, the first one where sums join several."""
    size: int
    """Number of channels."""
    layers: Sequence[LayerChannels]

    def producers(self) -> list[LayerChannels]:
        """Return the convolutions and fully connected layers that compute the channels."""
        return [each for each in self.layers if each.side == "outputs" and isinstance(each.layer, PRUNABLE)]

    def consumers(self) -> list[LayerChannels]:
        """Return the convolutions and fully connected layers that read the channels; depthwise ones are producers."""
        return [each for each in self.layers if each.side == "inputs"]

    def norms(self) -> list[LayerChannels]:
        """Return the batch norms of the channels."""
        return [each for each in self.layers if isinstance(each.layer, nn.BatchNorm2d)]


def is_depthwise(layer: nn.Module) -> bool:
    """Whether a layer filters each channel by itself, so that an output goes with its input."""
    return isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels == layer.out_channels > 1


def channel_groups(network: nn.Module, x: Tensor) -> list[ChannelGroup]:
    """Return the groups of channels of a network, in the order of its layers, without its inputs and its logits.

    Args:
        network: convolutions, fully connected layers, batch norms, and what has no parameters.
        x: an example of its input.

    Raises:
        NotImplementedError: where a layer with parameters is of another type, or is a grouped convolution that is not
            depthwise; or where torch-pruning does not follow the channels, such as from a concatenation through a
            flattening.
    """
    _require_known(network)
    names = {layer: name for name, layer in network.named_modules()}
    graph = torch_pruning.DependencyGraph().build_dependency(network, example_inputs=x)
    last = [layer for layer in network.modules() if isinstance(layer, PRUNABLE)][-1]
    groups = []
    for group in graph.get_all_groups(ignored_layers=[last], root_module_types=list(PRUNABLE)):
        root = group[0].dep.target.module
        size = len(group[0].idxs)
        layers = [
            LayerChannels(
                item.dep.target.module,
                "outputs" if _removes_outputs(graph, item) else "inputs",
                np.array(item.idxs, np.intp),
                np.array(item.root_idxs, np.intp),
            )
            for item in group
            if isinstance(item.dep.target.module, (*PRUNABLE, nn.BatchNorm2d))
        ]
        groups.append(ChannelGroup(names[root], size, _without_repeats(layers)))
    _require_complete(names, groups)
    order = {name: index for index, name in enumerate(names.values())}
    return sorted(groups, key=lambda group: order[group.name])


def _removes_outputs(graph: "torch_pruning.DependencyGraph", item: "torch_pruning._helpers.GroupItem") -> bool:
    layer = item.dep.target.module
    return isinstance(layer, nn.BatchNorm2d) or is_depthwise(layer) or graph.is_out_channel_pruning_fn(item.dep.handler)


def _without_repeats(layers: Sequence[LayerChannels]) -> list[LayerChannels]:
    """Drop what torch-pruning lists twice, such as both sides of a depthwise convolution."""
    unique = {(each.layer, each.side, each.positions.tobytes()): each for each in layers}
    return list(unique.values())


def _require_known(network: nn.Module) -> None:
    for name, layer in network.named_modules():
        if not any(True for _ in layer.parameters(recurse=False)) or isinstance(layer, (nn.Linear, nn.BatchNorm2d)):
            continue
        if not isinstance(layer, nn.Conv2d):
            raise NotImplementedError(f"channels of {type(layer).__name__} ({name}) cannot be removed")
        if layer.groups > 1 and not is_depthwise(layer):
            raise NotImplementedError(f"channels of a grouped convolution ({name}) cannot be removed")


def _require_complete(names: Mapping[nn.Module, str], groups: Sequence[ChannelGroup]) -> None:
    """Raise where an output or an input between two layers is in no group, or in two."""
    layers = [layer for layer in names if isinstance(layer, PRUNABLE)]
    expected: dict[tuple[nn.Module, str], list[int]] = {}
    for side, skipped in (("outputs", layers[-1]), ("inputs", layers[0])):
        for layer in layers:
            if layer is not skipped and not (side == "inputs" and is_depthwise(layer)):
                expected[layer, side] = list(range(_size(layer, side)))
    grouped: dict[tuple[nn.Module, str], list[int]] = {}
    for each in (each for group in groups for each in group.layers if isinstance(each.layer, PRUNABLE)):
        grouped.setdefault((each.layer, each.side), []).extend(each.positions.tolist())
    for key in expected | grouped:
        if sorted(grouped.get(key, [])) != expected.get(key):
            raise NotImplementedError(f"torch-pruning does not follow the {key[1]} of {names[key[0]]}")


class MacCounter:
    """The MACs of a network as a function of the channels that its layers keep.

    Args:
        network: as for ``channel_groups``.
        x: an example of its input.
    """

    def __init__(self, network: nn.Module, x: Tensor) -> None:
        self._per_pair: dict[nn.Module, int] = {}
        """MACs of each layer for one image, for each pair of an input and an output channel that it connects."""

        def count(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            kernel = prod(layer.kernel_size) if isinstance(layer, nn.Conv2d) else 1
            self._per_pair[layer] = self._per_pair.get(layer, 0) + kernel * prod(output.shape[2:])

        handles = [layer.register_forward_hook(count) for layer in network.modules() if isinstance(layer, PRUNABLE)]
        network.eval()(x)
        for handle in handles:
            handle.remove()

    def macs(self, groups: Sequence[ChannelGroup], kept: Sequence[Mask]) -> int:
        """Return the MACs for one image if each group keeps the channels of its mask."""
        masks = layer_masks(groups, kept)
        total = 0
        for layer, macs in self._per_pair.items():
            outputs = _count(masks, layer, "outputs")
            total += macs * outputs * (1 if is_depthwise(layer) else _count(masks, layer, "inputs"))
        return total


def layer_masks(groups: Sequence[ChannelGroup], kept: Sequence[Mask]) -> dict[tuple[nn.Module, str], Mask]:
    """Return which inputs and outputs each layer keeps, by layer and side, if groups keep the channels of their masks.

    Sides that lose nothing may be left out.
    """
    masks: dict[tuple[nn.Module, str], Mask] = {}
    for group, mask in zip(groups, kept, strict=True):
        for each in group.layers:
            key = (each.layer, each.side)
            if key not in masks:
                masks[key] = np.ones(_size(*key), bool)
            masks[key][each.positions[~mask[each.channels]]] = False
    return masks


def _count(masks: dict[tuple[nn.Module, str], Mask], layer: nn.Module, side: str) -> int:
    mask = masks.get((layer, side))
    return _size(layer, side) if mask is None else int(mask.sum())


def _size(layer: nn.Module, side: str) -> int:
    match layer:
        case nn.Conv2d():
            return layer.in_channels if side == "inputs" else layer.out_channels
        case nn.Linear():
            return layer.in_features if side == "inputs" else layer.out_features
        case nn.BatchNorm2d():
            return layer.num_features
    raise AssertionError(f"channels of {type(layer).__name__}")
