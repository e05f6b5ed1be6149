"""Removes channels from layers, and folds what they contributed into the layers that read them."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from impls.pruning.channel_groups import ChannelGroup, LayerChannels, Mask, is_depthwise, layer_masks


@torch.no_grad()
def remove(groups: Sequence[ChannelGroup], kept: Sequence[Mask]) -> None:
    """Remove channels from the layers of a network, in place.

    Args:
        groups: all groups of the network, as ``channel_groups`` returns them; invalid afterwards.
        kept: for each group, which of its channels stay; at least one of each.
    """
    for group, mask in zip(groups, kept, strict=True):
        if not mask.any():
            raise ValueError(f"no channel of {group.name} would be left")
    layers: dict[nn.Module, dict[str, Tensor]] = {}
    for (layer, side), mask in layer_masks(groups, kept).items():
        layers.setdefault(layer, {})[side] = torch.from_numpy(np.flatnonzero(mask))
    for layer, sides in layers.items():
        for name, tensor in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]:
            if tensor.ndim == 0:
                continue
            if "outputs" in sides:
                tensor = tensor.index_select(0, sides["outputs"])
            if "inputs" in sides and tensor.ndim > 1:
                tensor = tensor.index_select(1, sides["inputs"])
            _replace(layer, name, tensor)
        _update_sizes(layer)


def resize(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give a network the tensors of one without some of its channels, by the names of its ``state_dict``."""
    for name, tensor in tensors.items():
        layer_name, _, own_name = name.rpartition(".")
        _replace(network.get_submodule(layer_name), own_name, tensor.clone())
    for layer in network.modules():
        _update_sizes(layer)


@torch.no_grad()
def fold_into_representatives(group: ChannelGroup, representatives: NDArray[np.intp]) -> None:
    """Add the weights that layers give each channel to those of its representative, in place.

    Where both have the same values everywhere, the network without the channel computes the same.

    Args:
        group: channels.
        representatives: for each channel, the channel that stands for it; of one that stays, itself.
    """
    for each in group.consumers():
        assert isinstance(each.layer, (nn.Conv2d, nn.Linear))
        weight = each.layer.weight
        folded = weight.clone()
        folded[:, torch.from_numpy(each.positions)] = 0
        position = _positions(each)
        for own, channel in zip(each.positions.tolist(), each.channels.tolist(), strict=True):
            if (target := position.get((int(representatives[channel]), own))) is None:
                raise NotImplementedError(f"channels of {group.name} that stand for one another are not read alike")
            folded[:, target] += weight[:, own]
        weight.copy_(folded)


@torch.no_grad()
def fold_constants(
    group: ChannelGroup, kept: Mask, constants: Tensor, norms: Mapping[nn.Module, nn.BatchNorm2d]
) -> None:
    """Add what removed channels of constant value give to the layers that read them, in place.

    It goes into the layer's bias, or into the running mean of the batch norm behind it. That is exact except where a
    convolution pads: at the border of an image, zeros take the place of the constant.

    Args:
        group: channels.
        kept: those that stay.
        constants: the value of each channel as the next layer reads it, (channels,).
        norms: the batch norm that follows a layer, for layers without a bias.
    """
    for each in group.consumers():
        layer = each.layer
        assert isinstance(layer, (nn.Conv2d, nn.Linear))
        gone = ~kept[each.channels]
        values = constants[torch.from_numpy(each.channels[gone])]
        weights = layer.weight[:, torch.from_numpy(each.positions[gone])]
        if isinstance(layer, nn.Conv2d):
            weights = weights.sum(dim=(2, 3))
        constant = weights @ values.to(weights.dtype)
        if layer.bias is not None:
            layer.bias += constant
        else:
            mean = norms[layer].running_mean
            assert mean is not None
            mean -= constant


def _positions(each: LayerChannels) -> Mapping[tuple[int, int], int]:
    """Return, by a channel and a position of any channel, the position of that channel that holds the same pixel."""
    own: dict[int, list[int]] = {}
    pixel: dict[int, int] = {}
    for position, channel in zip(each.positions.tolist(), each.channels.tolist(), strict=True):
        pixel[position] = len(own.setdefault(channel, []))
        own[channel].append(position)
    return {(channel, position): places[pixel[position]] for channel, places in own.items() for position in pixel}


def _replace(layer: nn.Module, name: str, tensor: Tensor) -> None:
    old = getattr(layer, name)
    tensor = tensor.detach().to(old.device).contiguous()
    setattr(layer, name, nn.Parameter(tensor, old.requires_grad) if isinstance(old, nn.Parameter) else tensor)


def _update_sizes(layer: nn.Module) -> None:
    match layer:
        case nn.Conv2d():
            depthwise = is_depthwise(layer)
            layer.out_channels = layer.weight.shape[0]
            layer.groups = layer.out_channels if depthwise else layer.groups
            layer.in_channels = layer.weight.shape[1] * layer.groups
        case nn.Linear():
            layer.out_features, layer.in_features = layer.weight.shape
        case nn.BatchNorm2d():
            layer.num_features = layer.weight.shape[0]
