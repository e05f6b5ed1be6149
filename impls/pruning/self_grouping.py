"""Groups that filters form by themselves: those that need the same inputs share them (SG-CNN, arXiv 2009.13803)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from torch import Tensor, nn

from impls.models.aten import with_dense_layers
from impls.pruning.diverse_groups import Group, diverse_groups

MAX_CLUSTERS = 16
"""Clusters of filters in a layer, at the most."""
STEP = 10
"""Per cent of the weights of a layer that go in a step of the schedule."""
MAX_LINEAR_PER_CENT = 60
"""Per cent of the weights of a fully connected layer that go at the most."""
ConnectionMask = NDArray[np.bool_]


@dataclass(frozen=True)
class GroupedLayer:
    """A layer with the groups that it has formed so far."""

    name: str
    layer: nn.Conv2d | nn.Linear
    reads: ConnectionMask
    """Which inputs each output reads, (outputs, inputs)."""
    pixels: int
    """Positions of an image at which it is computed."""

    @property
    def macs(self) -> int:
        """MACs for one image."""
        return int(self.reads.sum()) * self._macs_per_connection

    @property
    def dense_macs(self) -> int:
        """MACs for one image if each output read all inputs."""
        return self.reads.size * self._macs_per_connection

    @property
    def min_macs(self) -> int:
        """MACs for one image if each output read one input."""
        return len(self.reads) * self._macs_per_connection

    @property
    def _macs_per_connection(self) -> int:
        return self.pixels * (prod(self.layer.kernel_size) if isinstance(self.layer, nn.Conv2d) else 1)

    def regroup(self, per_cent: float, seed: int) -> "GroupedLayer":
        """Return the layer with new groups, in which about ``per_cent`` of all weights are gone.

        The filters are clustered by the importance of each input to them. A cluster keeps the inputs whose importance
        in its centroid is above a threshold, the percentile of these values over all filters and inputs; at least the
        most important one. What was gone stays so.
        """
        if isinstance(self.layer, nn.Linear):
            per_cent = min(per_cent, MAX_LINEAR_PER_CENT)
        importance = importance_vectors(self.layer) * self.reads
        clusters = min(MAX_CLUSTERS, len(np.unique(importance, axis=0)))
        fitted = KMeans(clusters, n_init=1, random_state=seed).fit(importance)
        centroids = fitted.cluster_centers_[fitted.labels_]
        kept = (centroids > np.percentile(centroids, per_cent)) & self.reads
        empty = ~kept.any(axis=1)
        kept[empty, (centroids * self.reads)[empty].argmax(axis=1)] = True
        return GroupedLayer(self.name, self.layer, kept, self.pixels)

    def groups(self) -> list[Group]:
        """Return the outputs that read the same inputs, together."""
        sets, labels = np.unique(self.reads, axis=0, return_inverse=True)
        return [
            Group(np.flatnonzero(labels == index).tolist(), np.flatnonzero(inputs).tolist())
            for index, inputs in enumerate(sets)
        ]


def importance_vectors(layer: nn.Conv2d | nn.Linear) -> NDArray[np.float64]:
    """Return the sum of absolute weights by which each output reads each input, (outputs, inputs)."""
    weight = layer.weight.detach().double()
    vectors: NDArray[np.float64] = weight.abs().reshape(*weight.shape[:2], -1).sum(dim=2).numpy()
    return vectors


def groupable_layers(network: nn.Module, x: Tensor) -> list[GroupedLayer]:
    """Return the layers that form groups: all but the first convolution, shortcuts, and grouped convolutions.

    Args:
        network: its shortcuts have ``shortcut`` in their names. Layers that have groups already become dense ones, in
            place, whose outputs read what they did.
        x: an example of its input.
    """
    with_dense_layers(network)
    pixels: dict[nn.Module, int] = {}

    def count(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        pixels[layer] = prod(output.shape[2:])

    layers = {layer: name for name, layer in network.named_modules() if isinstance(layer, (nn.Conv2d, nn.Linear))}
    handles = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        network.eval()(x)
    for handle in handles:
        handle.remove()
    stem = next(iter(layers))
    return [
        GroupedLayer(name, layer, importance_vectors(layer) > 0, pixels[layer])
        for layer, name in layers.items()
        if layer is not stem and "shortcut" not in name.split(".") and getattr(layer, "groups", 1) == 1
    ]


def regroup_within(layers: Sequence[GroupedLayer], macs: float, seed: int) -> list[GroupedLayer]:
    """Return layers with groups that together have at most ``macs``, formed step by step as published.

    Each step takes STEP per cent more of the weights; the last takes what is needed, to a tenth of a per cent.

    Raises:
        ValueError: where that is not reached with 100 per cent.
    """

    def total(candidates: Sequence[GroupedLayer]) -> int:
        return sum(layer.macs for layer in candidates)

    current = list(layers)
    if total(current) <= macs:
        return current
    for per_cent in range(STEP, 101, STEP):
        following = [layer.regroup(per_cent, seed) for layer in current]
        if total(following) <= macs:
            low, high = 10 * (per_cent - STEP), 10 * per_cent  # tenths of a per cent: too many MACs, few enough
            while high - low > 1:
                middle = (low + high) // 2
                candidate = [layer.regroup(middle / 10, seed) for layer in current]
                if total(candidate) <= macs:
                    high, following = middle, candidate
                else:
                    low = middle
            return following
        current = following
    raise ValueError(f"at least {total(current):,} MACs are left, more than the {int(macs):,} to keep")


def replace_layers(network: nn.Module, layers: Sequence[GroupedLayer]) -> None:
    """Put layers that compute only what their groups need in the place of dense ones, in place."""
    for each in layers:
        parent, _, own_name = each.name.rpartition(".")
        setattr(network.get_submodule(parent), own_name, diverse_groups(each.layer, each.groups()))
