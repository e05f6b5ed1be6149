"""Scores of channels: those with the smallest go first.

Each function returns a score for every channel of a group. Scores of different groups are compared with one another, so
they are divided by their mean in the group where nothing else is said.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from impls.pruning.channel_groups import ChannelGroup, LayerChannels

Scores = NDArray[np.float64]


def l1_norm(group: ChannelGroup) -> Scores:
    """Return the sum of the absolute weights of each channel's filters (arXiv 1608.08710)."""
    return _relative(sum(_by_channel(group, each, filters(each).abs().sum(dim=1)) for each in group.producers()))


def group_magnitude(group: ChannelGroup) -> Scores:
    """Return the squares of all weights that go with a channel: of filters, batch norms, and weights that read it.

    That is the magnitude of arXiv 2301.12900: squares are summed in each layer, and averaged over the layers.
    """
    squares: list[Tensor] = []
    for each in group.layers:
        weight: Tensor = each.layer.weight  # type: ignore[assignment]
        weights = (weight.transpose(0, 1) if each.side == "inputs" else weight)[torch.from_numpy(each.positions)]
        squares.append(_by_channel(group, each, weights.reshape(len(weights), -1).square().sum(dim=1)))
    return _relative(torch.stack(squares).mean(dim=0))


def geometric_median(group: ChannelGroup) -> Scores:
    """Return the sum of the distances of each channel's filters from all others' (arXiv 1811.00250)."""
    total = torch.zeros(group.size, dtype=torch.float64)
    for each in group.producers():
        weights = filters(each)
        total += _by_channel(group, each, torch.cdist(weights, weights).sum(dim=1))
    return _relative(total)


def batch_norm_scale(group: ChannelGroup) -> Scores:
    """Return the mean absolute scale of each channel's batch norms (Network Slimming, arXiv 1708.06519).

    Scales of different layers are compared as they are, without a division.

    Raises:
        NotImplementedError: where there is no batch norm.
    """
    norms = group.norms()
    if not norms:
        raise NotImplementedError(f"the channels of {group.name} have no batch norm")
    scales = [_by_channel(group, each, _scale(each)) for each in norms]
    return torch.stack(scales).mean(dim=0).numpy()


def random(group: ChannelGroup, generator: np.random.Generator) -> Scores:
    """Return uniformly distributed scores, which are not divided by their mean."""
    return generator.random(group.size)


def filters(each: LayerChannels) -> Tensor:
    """Return the weights that compute each of these channels, in float64, (channels, weights)."""
    weight: Tensor = each.layer.weight  # type: ignore[assignment]
    return weight.detach()[torch.from_numpy(each.positions)].flatten(1).double()


def _scale(each: LayerChannels) -> Tensor:
    assert isinstance(each.layer, nn.BatchNorm2d)
    return each.layer.weight.detach()[torch.from_numpy(each.positions)].abs()


def _by_channel(group: ChannelGroup, each: LayerChannels, values: Tensor) -> Tensor:
    """Return the sum of the values at each channel's positions, in float64."""
    total = torch.zeros(group.size, dtype=torch.float64)
    return total.index_add_(0, torch.from_numpy(each.channels), values.detach().double())


def _relative(scores: Tensor | int) -> Scores:
    assert isinstance(scores, Tensor), "a group has a layer that computes it"
    mean = scores.mean()
    return (scores / mean if mean > 0 else scores).numpy()
