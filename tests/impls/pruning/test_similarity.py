"""Distances are those of simulated channels, clusters are nested, and copies go first."""

import numpy as np
import pytest
import torch
from torch import nn

from impls.pruning.channel_groups import ChannelGroup, channel_groups
from impls.pruning.similarity import SimilaritySettings, cluster, distances, measured_correlations, rectified_moments


def layer(channels: int = 6) -> tuple[nn.Sequential, ChannelGroup]:
    torch.manual_seed(3)
    network = nn.Sequential(
        nn.Conv2d(3, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 2, 1)
    )
    network.double().eval()
    with torch.no_grad():
        network[1].weight.normal_()
        network[1].bias.normal_()
    (group,) = channel_groups(network, torch.zeros(1, 3, 4, 4, dtype=torch.float64))
    return network, group


def normal_images(network: nn.Sequential, count: int) -> torch.Tensor:
    """Return images of independent normal pixels, whose statistics the batch norm takes over."""
    x = torch.randn(count, 3, 10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    network[1].momentum = 1
    network.train()
    with torch.no_grad():
        network(x)
    network.eval()
    return x


def test_rectified_moments_are_those_of_samples() -> None:
    beta, gamma = np.array([-1.0, 0.0, 0.5, 2.0, 3.0]), np.array([1.0, 2.0, -0.5, 0.3, 0.0])
    samples = np.maximum(beta + gamma * np.random.default_rng(0).standard_normal((1_000_000, 5)), 0)
    mean, deviation = rectified_moments(beta, gamma)
    np.testing.assert_allclose(mean, samples.mean(axis=0), atol=5e-3)
    np.testing.assert_allclose(deviation, samples.std(axis=0), atol=5e-3)


@pytest.mark.parametrize("correlation", ["filters", "data"])
def test_distances_are_those_of_the_values_of_the_channels(correlation: str) -> None:
    """The inputs are independent and normal, so that a filter's cosine is the correlation, and all is as modelled."""
    network, group = layer()
    x = normal_images(network, 300)
    settings = SimilaritySettings(correlation, "gaussian", "average")  # type: ignore[arg-type]
    distance = distances(group, settings, measured_correlations(network, x))
    with torch.no_grad():
        values = network[:2](x).transpose(0, 1).flatten(1).numpy()
    expected = np.sqrt(((values[:, None] - values[None]) ** 2).mean(axis=2))
    expected /= expected.sum() / (expected.size - len(expected))
    np.testing.assert_allclose(distance, expected, rtol=0.03, atol=0.01)


class Sum(nn.Module):
    """Two layers whose outputs are added before the ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(6, 6, 1, bias=False)
        self.first = nn.Sequential(nn.Conv2d(6, 8, 1, bias=False), nn.BatchNorm2d(8))
        self.second = nn.Sequential(nn.Conv2d(6, 8, 1, bias=False), nn.BatchNorm2d(8))
        self.last = nn.Conv2d(8, 2, 1)
        with torch.no_grad():  # the two read different channels of the image
            self.stem.weight.copy_(torch.eye(6)[:, :, None, None])
            self.first[0].weight[:, 3:] = 0
            self.second[0].weight[:, :3] = 0

    def summed(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        return torch.relu(self.first(x) + self.second(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.summed(x))


@pytest.mark.parametrize("moments", ["gaussian", "rectified"])
def test_of_a_residual_sum_the_sum_counts(moments: str) -> None:
    """A batch norm before an addition is not rectified by itself; here its terms are independent, as modelled."""
    torch.manual_seed(5)
    network = Sum().double()
    for norm in (network.first[1], network.second[1]):
        norm.momentum = 1
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias, -1)
    x = torch.randn(300, 6, 10, 10, dtype=torch.float64)
    with torch.no_grad():
        network.train()(x)
        values = network.eval().summed(x).transpose(0, 1).flatten(1).numpy()
    group = channel_groups(network, x[:1])[-1]
    assert [each.side for each in group.layers].count("outputs") == 4, "two convolutions and their batch norms"
    distance = distances(group, SimilaritySettings("none", moments, "average"), {})  # type: ignore[arg-type]
    expected = np.sqrt(((values[:, None] - values[None]) ** 2).mean(axis=2))
    pairs = np.triu_indices(8, 1)
    correlation = np.corrcoef(distance[pairs], expected[pairs])[0, 1]
    assert (correlation > 0.9) == (moments == "rectified")


@pytest.mark.parametrize("linkage", ["average", "complete"])
def test_clusters_are_nested_and_copies_are_merged_first(linkage: str) -> None:
    network, group = layer()
    with torch.no_grad():
        network[0].weight[5] = network[0].weight[2]
        for tensor in (network[1].weight, network[1].bias):
            tensor[5] = tensor[2]
    distance = distances(group, SimilaritySettings("filters", "rectified", linkage), {})  # type: ignore[arg-type]
    clusters = cluster(distance, linkage)  # type: ignore[arg-type]
    ranking = clusters.ranking()
    assert ranking.thresholds[0] == pytest.approx(0, abs=1e-7)
    assert np.isinf(ranking.thresholds[-1])
    first = clusters.representatives(5)
    assert first[5] == first[2]
    assert first[[0, 1, 3, 4]].tolist() == [0, 1, 3, 4]
    for count in range(1, 7):
        representatives = clusters.representatives(count)
        kept = ranking.indices_to_keep(count)
        assert len(kept) == count
        assert (representatives[kept] == kept).all(), "a channel that stays stands for itself"
        finer = clusters.representatives(min(6, count + 1))
        assert all(len(set(representatives[finer == each])) == 1 for each in set(finer)), "no cluster is split"


def test_the_medoid_is_nearest_to_the_others() -> None:
    distance = np.abs(np.subtract.outer(*2 * [np.array([0.0, 1.0, 2.5, 10.0])]))
    assert cluster(distance, "average").representatives(2).tolist() == [1, 1, 1, 3]


def test_channels_without_a_batch_norm_are_refused() -> None:
    (group,) = channel_groups(nn.Sequential(nn.Conv2d(3, 5, 1), nn.Conv2d(5, 2, 1)), torch.zeros(1, 3, 4, 4))
    with pytest.raises(NotImplementedError, match="the channels of 0 have no batch norm"):
        distances(group, SimilaritySettings(), {})
