"""Channels that are alike, and a few that stand for all: our derivation of arXiv 1908.02620.

The paper compares channels by a probabilistic model of their values and clusters them. We had no access to its
formulas. This one takes what batch norm says: a channel is normally distributed with mean beta and standard deviation
|gamma|.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform
from scipy.stats import norm
from torch import Tensor, nn

from impls.pruning.budget import ChannelRanking
from impls.pruning.channel_groups import ChannelGroup, Indices, LayerChannels, is_depthwise
from impls.pruning.scores import filters

Floats = NDArray[np.float64]
Correlation = Literal["filters", "data", "none", "full"]
Moments = Literal["gaussian", "rectified"]
Linkage = Literal["average", "complete"]


@dataclass(frozen=True)
class SimilaritySettings:
    """How channels are compared and clustered."""

    correlation: Correlation = "filters"
    """Where the correlation of two channels comes from: the cosine of their filters, or their values for images; with
    ``none`` it is taken to be 0, with ``full`` 1."""
    moments: Moments = "rectified"
    """Those of the normal distribution, or of the same after a ReLU."""
    linkage: Linkage = "average"
    """The distance of two clusters: the mean or the largest of their channels' distances."""


def distances(group: ChannelGroup, settings: SimilaritySettings, correlations: Mapping[nn.Module, Floats]) -> Floats:
    """Return the root mean squared difference of each pair of channels, divided by the mean of all, (n, n).

    Args:
        group: channels. Where the outputs of batch norms are added, as in residual networks, their sum counts, with
            independent terms; otherwise each batch norm of the channels counts alike.
        settings: how they are compared.
        correlations: for ``correlation="data"``, the correlations of the channels of each batch norm.

    Raises:
        NotImplementedError: where there is no batch norm.
    """
    norms = group.norms()
    if not norms:
        raise NotImplementedError(f"the channels of {group.name} have no batch norm")
    squares: Floats = np.zeros((group.size, group.size))
    values = [_values(group, each, settings.correlation, correlations) for each in norms]
    for each in [_sum(values)] if _is_sum(group) else values:
        squares[np.ix_(each.channels, each.channels)] += _mean_squared_difference(each, settings.moments)
    root = np.sqrt(np.maximum(squares, 0))
    np.fill_diagonal(root, 0)
    mean = root.sum() / max(1, root.size - group.size)
    return root / mean if mean > 0 else root


def cluster(distance: Floats, method: Linkage) -> "Clusters":
    """Cluster channels by their distances, (n, n), step by step: the two nearest clusters become one."""
    if len(distance) == 1:
        return Clusters(distance, np.empty((0, 4)))
    return Clusters(distance, linkage(squareform(distance, checks=False), method))


@dataclass(frozen=True)
class Clusters:
    """A hierarchy of clusters of channels."""

    distance: Floats
    """(n, n)."""
    merges: Floats
    """As ``scipy.cluster.hierarchy.linkage`` returns them, (n - 1, 4)."""

    def ranking(self) -> ChannelRanking:
        """Return the order in which channels go: each merge of two clusters removes one."""
        thresholds = np.append(np.maximum.accumulate(self.merges[:, 2]), np.inf)
        return ChannelRanking(thresholds, lambda count: np.unique(self.representatives(count)), self.representatives)

    def representatives(self, count: int) -> Indices:
        """Return, for each channel, the one that stands for it where ``count`` stay: its cluster's medoid."""
        size = len(self.distance)
        labels = np.arange(size)
        for step, (first, second) in enumerate(self.merges[: size - count, :2].astype(int)):
            labels[(labels == first) | (labels == second)] = size + step
        representative = np.empty(size, np.intp)
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            sums = self.distance[np.ix_(members, members)].sum(axis=1)
            representative[members] = members[np.argmin(sums)]
        return representative


def measured_correlations(network: nn.Module, images: Tensor) -> dict[nn.Module, Floats]:
    """Return the correlations of the outputs of each batch norm over images and pixels, by batch norm."""
    correlations: dict[nn.Module, Floats] = {}

    def measure(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        values = output.detach().transpose(0, 1).flatten(1).double().numpy()
        with np.errstate(invalid="ignore", divide="ignore"):
            correlations[layer] = np.nan_to_num(np.atleast_2d(np.corrcoef(values)))

    handles = [layer.register_forward_hook(measure) for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    with torch.no_grad():
        network.eval()(images)
    for handle in handles:
        handle.remove()
    return correlations


class _Values(NamedTuple):
    """The model of the values of channels before a ReLU: a normal distribution."""

    channels: Indices
    mean: Floats
    """(n,)"""
    covariance: Floats
    """(n, n)"""


def _values(
    group: ChannelGroup, norm: LayerChannels, kind: Correlation, measured: Mapping[nn.Module, Floats]
) -> _Values:
    """Return the model of the outputs of a batch norm."""
    beta, gamma = _parameters(norm)
    correlation: Floats = np.eye(len(gamma))
    if kind == "data":
        correlation = measured[norm.layer][np.ix_(norm.positions, norm.positions)]
    elif kind == "filters":
        signs = np.sign(gamma)  # a negative gamma turns the sign of the batch norm's input
        correlation = _cosines(group)[np.ix_(norm.channels, norm.channels)] * np.outer(signs, signs)
    elif kind == "full":
        correlation = np.ones_like(correlation)
    return _Values(norm.channels, beta, correlation * np.outer(np.abs(gamma), np.abs(gamma)))


def _is_sum(group: ChannelGroup) -> bool:
    """Whether several layers compute the same channels, whose outputs are then added."""
    layers = [each.channels for each in group.producers() if not is_depthwise(each.layer)]
    return len(np.unique(np.concatenate(layers))) < sum(map(len, layers))


def _sum(values: Sequence[_Values]) -> _Values:
    """Return the model of the sum of independent values, each of which may have some of the channels."""
    channels = np.unique(np.concatenate([each.channels for each in values]))
    mean, covariance = np.zeros(len(channels)), np.zeros((len(channels), len(channels)))
    for each in values:
        at = np.searchsorted(channels, each.channels)
        mean[at] += each.mean
        covariance[np.ix_(at, at)] += each.covariance
    return _Values(channels, mean, covariance)


def _cosines(group: ChannelGroup) -> Floats:
    """Return the cosines of the filters of each pair of channels, the mean over the layers that are summed."""
    cosines: Floats = np.zeros((group.size, group.size))
    producers = group.producers()
    for each in producers:
        weights = nn.functional.normalize(filters(each)).numpy()
        cosines[np.ix_(each.channels, each.channels)] += weights @ weights.T
    return cosines / len(producers)


def _mean_squared_difference(values: _Values, moments: Moments) -> Floats:
    """Return E (Y_i - Y_j)^2 for all pairs of channels.

    After a ReLU, the covariance is taken to be the correlation times the standard deviations, an approximation.
    """
    mean, deviation, covariance = values.mean, np.sqrt(np.diag(values.covariance)), values.covariance
    if moments == "rectified":
        products = np.outer(deviation, deviation)
        correlation = np.divide(covariance, products, out=np.zeros_like(products), where=products > 0)
        mean, deviation = rectified_moments(mean, deviation)
        covariance = correlation * np.outer(deviation, deviation)
    variances: Floats = np.add.outer(deviation**2, deviation**2)
    difference: Floats = np.subtract.outer(mean, mean) ** 2 + variances - 2 * covariance
    return difference


def _parameters(each: LayerChannels) -> tuple[Floats, Floats]:
    """Return beta and gamma of the channels of a batch norm."""
    assert isinstance(each.layer, nn.BatchNorm2d)
    positions = torch.from_numpy(each.positions)
    beta, gamma = (tensor.detach()[positions].double().numpy() for tensor in (each.layer.bias, each.layer.weight))
    return beta, gamma


def rectified_moments(beta: Floats, gamma: Floats) -> tuple[Floats, Floats]:
    """Return the mean and the standard deviation of max(0, Y) for Y normal with mean beta and deviation |gamma|."""
    deviation = np.maximum(np.abs(gamma), np.finfo(float).tiny)
    alpha = beta / deviation
    mean = beta * norm.cdf(alpha) + deviation * norm.pdf(alpha)
    square = (beta**2 + deviation**2) * norm.cdf(alpha) + beta * deviation * norm.pdf(alpha)
    return mean, np.sqrt(np.maximum(square - mean**2, 0))
