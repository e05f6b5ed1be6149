"""The counting rule of arXiv 2009.13803 gives exact counts, which round to the numbers that the paper prints."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from impls.networks.torchvision_networks import densenet121_cifar, densenet201, resnet50
from impls.pruning import self_grouping
from reports.papers.sg_cnn.recipe import MAX_LINEAR_PER_CENT, RECIPE, paper_flops, paper_parameters


@pytest.mark.parametrize(
    ("build", "size", "parameters", "flops"),
    [
        pytest.param(densenet121_cifar, 32, 6_893_130, 888_360_906, id="DenseNet121, 10 classes"),
        pytest.param(partial(densenet121_cifar, 100), 32, 6_985_380, 888_453_156, id="DenseNet121, 100 classes"),
        pytest.param(densenet201, 224, 19_818_792, 4_291_383_848, id="DenseNet201"),
        pytest.param(resnet50, 224, 25_549_224, 4_089_207_912, id="ResNet50"),
    ],
)
def test_counts_by_the_rule_of_the_paper(
    build: Callable[[], nn.Module], size: int, parameters: int, flops: int
) -> None:
    with torch.device("meta"):
        network = build()
    assert paper_parameters(network) == parameters
    assert paper_flops(network, 3, size, size) == flops


def test_neither_the_first_convolution_nor_a_shortcut_is_prunable() -> None:
    network = nn.Sequential()
    network.add_module("first", nn.Conv2d(3, 8, 1, bias=False))
    network.add_module("prunable", nn.Conv2d(8, 16, 1, bias=False))
    network.add_module("downsample", nn.Conv2d(16, 4, 1, bias=False))
    assert paper_parameters(network) == 3 * 8 + 8 * 16 + 16 * 4 + 2 * 16
    assert paper_flops(network, 3, 5, 5) == 25 * (3 * 8 + 8 * 16 + 16 * 4) + 16


def test_a_fully_connected_layer_loses_60_per_cent_at_the_most() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 1, bias=False), nn.Conv2d(8, 10, 1, bias=False), nn.Flatten())
    network.append(nn.Linear(10 * 25, 4))
    assert MAX_LINEAR_PER_CENT == self_grouping.MAX_LINEAR_PER_CENT, "the method prunes what is counted"
    assert paper_parameters(network, per_cent=90) == pytest.approx(3 * 8 + 8 + 2 * 10 + 0.4 * 1000 + 4)
    assert paper_flops(network, 3, 5, 5, per_cent=90) == pytest.approx(25 * (3 * 8 + 8) + 10 + 0.4 * 1000 + 4)


def test_claims_may_refer_to_the_counts() -> None:
    counts = {name: count.values() for name, count in RECIPE.counts.items() if name.startswith("densenet201")}
    assert counts == {
        "densenet201_parameters": {"DenseNet201": 19_818_792},
        "densenet201_flops": {"DenseNet201": 4_291_383_848},
        "densenet201_80_parameters": {"DenseNet201, 80 % pruned": pytest.approx(4_383_220.8)},
        "densenet201_80_flops": {"DenseNet201, 80 % pruned": pytest.approx(953_086_299.2)},
    }


def test_self_grouping_prunes_the_share_that_is_counted() -> None:
    """The share holds for random weights, since the threshold is a percentile."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Conv2d(64, 96, 3, padding=1, bias=False))
    (layer,) = self_grouping.groupable_layers(network, torch.zeros(1, 3, 6, 6))
    for per_cent in range(10, 91, 10):  # the published schedule
        layer = layer.regroup(per_cent, seed=0)
        counted = paper_parameters(network, per_cent) - 3 * 64 * 9 - 2 * 96
        assert layer.reads.sum() * 9 == pytest.approx(counted, rel=0.1)
