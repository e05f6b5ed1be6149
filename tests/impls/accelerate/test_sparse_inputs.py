"""Filters that each read some channels only: the engine leaves out what they do not read, and gets the same."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from impls.accelerate import accelerate
from impls.accelerate.operations import Convolution, Image
from impls.accelerate.order import reads_of
from impls.native.library import unavailable
from impls.pruning.diverse_groups import DiverseGroups, Group, diverse_groups

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))


def random_groups(generator: np.random.Generator, outputs: int, inputs: int, count: int) -> list[Group]:
    """Return groups of several sizes, whose sets of inputs overlap and differ in size."""
    labels = np.concatenate([np.arange(count), generator.integers(count, size=outputs - count)])
    generator.shuffle(labels)
    groups = []
    for label in range(count):
        kept = generator.choice(inputs, generator.integers(1, inputs + 1), replace=False)
        groups.append(Group(np.flatnonzero(labels == label).tolist(), np.sort(kept).tolist()))
    return groups


def random_layer(generator: np.random.Generator, outputs: int, inputs: int) -> DiverseGroups:
    kernel, stride = int(generator.choice([1, 3])), int(generator.choice([1, 2]))
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bool(generator.integers(2)))
    return diverse_groups(conv, random_groups(generator, outputs, inputs, int(generator.integers(1, 9))))


@pytest.mark.parametrize("seed", range(25))
def test_networks_of_diverse_groups_are_right(seed: int) -> None:
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    channels = [5, *generator.integers(9, 70, size=3).tolist()]
    layers: list[nn.Module] = []
    for cin, cout in pairwise(channels):
        layers += [random_layer(generator, cout, cin), nn.BatchNorm2d(cout), nn.ReLU()]
    linear = nn.Linear(channels[-1], 11)
    head = diverse_groups(linear, random_groups(generator, 11, channels[-1], 3))
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).eval()
    x = torch.randn(2, 5, 11, 9)
    accelerated = accelerate(network, x, threads=1, tuned=False)
    assert not accelerated.fallbacks
    with torch.inference_mode():
        expected = network.double()(x.double())
        error = (accelerated(x) - expected).abs().max() / expected.abs().max()
    assert error < 1e-5


def test_reads_are_the_channels_with_weights() -> None:
    weight = np.zeros((4, 6, 1, 1), np.float32)
    weight[0, [1, 4]] = [[[2.0]], [[3.0]]]
    weight[1, [0, 2, 5]] = 1
    weight[2, 3] = 4
    convolution = Convolution(x=Image(6), weight=weight, bias=np.zeros(4, np.float32), output=Image(4))
    reads, weights = reads_of(convolution)
    assert reads.tolist() == [[1, 4, 1], [0, 2, 5], [3, 3, 3], [0, 0, 0]]
    assert weights[:, :, 0, 0].tolist() == [[2, 3, 0], [1, 1, 1], [4, 0, 0], [0, 0, 0]]
