"""Scores are those of their formulas, and of torch-pruning where it has them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch_pruning
from torch import nn

from impls.networks.block import STANDARD
from impls.networks.catalogue import create_network
from impls.pruning import scores
from impls.pruning.channel_groups import ChannelGroup, channel_groups


@pytest.mark.parametrize("name", ["resnet20", "basic_net"])
def test_the_squares_of_a_group_are_those_of_torch_pruning(name: str) -> None:
    network, x = create_network(name, STANDARD), torch.zeros(1, 3, 32, 32)
    expected = torch_pruning.importance.GroupMagnitudeImportance(p=2)
    ours = {group.name: scores.group_magnitude(group) for group in channel_groups(network, x)}
    names = {layer: name for name, layer in network.named_modules()}
    graph = torch_pruning.DependencyGraph().build_dependency(network, example_inputs=x)
    last = [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]
    for group in graph.get_all_groups(ignored_layers=[last]):
        np.testing.assert_allclose(ours[names[group[0].dep.target.module]], expected(group), rtol=1e-6)


def test_scores_of_one_layer() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 2, 1)).eval()
    conv, norm = network[0], network[1]
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([0.5, -2.0, 0.0, 1.0, 0.25]))
    (group,) = channel_groups(network, torch.zeros(1, 3, 4, 4))
    weights = conv.weight.detach().double().numpy().reshape(5, -1)
    absolute = np.abs(weights).sum(axis=1)
    np.testing.assert_allclose(scores.l1_norm(group), absolute / absolute.mean())
    apart = np.array([sum(np.linalg.norm(row - other) for other in weights) for row in weights])
    np.testing.assert_allclose(scores.geometric_median(group), apart / apart.mean())
    np.testing.assert_allclose(scores.batch_norm_scale(group), [0.5, 2, 0, 1, 0.25])


def test_scales_need_a_batch_norm() -> None:
    (group,) = channel_groups(nn.Sequential(nn.Conv2d(3, 5, 1), nn.Conv2d(5, 2, 1)), torch.zeros(1, 3, 4, 4))
    with pytest.raises(NotImplementedError, match="the channels of 0 have no batch norm"):
        scores.batch_norm_scale(group)


@pytest.mark.parametrize(
    "score", [scores.l1_norm, scores.group_magnitude, scores.geometric_median, scores.batch_norm_scale]
)
@pytest.mark.parametrize("name", ["resnet20", "densenet40"])
def test_every_channel_has_a_score(score: Callable[[ChannelGroup], scores.Scores], name: str) -> None:
    for group in channel_groups(create_network(name, STANDARD), torch.zeros(1, 3, 32, 32)):
        values = score(group)
        assert values.shape == (group.size,)
        assert np.isfinite(values).all()
        assert values.mean() == pytest.approx(1)
