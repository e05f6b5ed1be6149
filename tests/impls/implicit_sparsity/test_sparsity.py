"""Sparsity and selectivity are those of their definitions, computed image by image on a network with dead filters."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from impls.implicit_sparsity._activations import layers
from impls.implicit_sparsity._sparsity import LayerActivations, summarise
from impls.networks.basic_net import basic_net
from impls.training.training import Images

DEAD = {0: [1], 2: [0, 5], 6: [3]}
"""Features by layer that never respond: batch norm scales them to nothing, and shifts them below zero."""
CONSTANT = {4: [2]}
"""Features by layer that batch norm scales to nothing, but shifts above zero: inactive by scale only."""


def images(count: int = 9) -> Images:
    generator = torch.Generator().manual_seed(3)
    pixels = torch.randint(256, (count, 2, 9, 7), generator=generator, dtype=torch.uint8)
    return Images(pixels, torch.zeros(count, dtype=torch.int64), (0.4, 0.6), (0.2, 0.3))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    net = basic_net(in_channels=2, width_mult=0.125)
    assert isinstance(net, nn.Sequential)
    norms = [layer for layer in net if isinstance(layer, nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.bias.uniform_(-0.5, 0.5)
            norm.momentum = 1.0
        net(images().normalised(images().images))  # its running statistics are those of these images
        for features, shift in ((DEAD, -0.1), (CONSTANT, 0.1)):
            for number, indices in features.items():
                norms[number].weight[indices] = 1e-4
                norms[number].bias[indices] = shift
    return net


def responses(net: nn.Sequential, data: Images) -> list[list[list[float]]]:
    """Return the largest activation of each feature of each layer on each image, an image at a time."""
    net.eval()
    by_layer: list[list[list[float]]] = [[] for layer in net if isinstance(layer, nn.ReLU)]
    for image in data.images:
        x: Tensor = data.normalised(image[None])
        number = 0
        for layer in net:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                by_layer[number].append([max(abs(value) for row in plane for value in row) for plane in x[0].tolist()])
                number += 1
    return by_layer


@torch.no_grad()
def test_metrics_are_those_of_their_definitions() -> None:
    net, data = network(), images()
    summary = summarise(layers(net, data))
    inactive, selectivities = [], []
    for on_images in responses(net, data):
        by_feature = list(zip(*on_images, strict=True))
        inactive.append([max(values) < 1e-12 for values in by_feature])
        selectivities.append(
            [
                sum(value / max(values) <= 1e-3 for value in values) / len(values)
                for values in by_feature
                if max(values) >= 1e-12
            ]
        )
    assert [[index for index, dead in enumerate(layer) if dead] for layer in inactive] == [
        DEAD.get(number, []) for number in range(7)
    ]
    assert summary.curves["sparsity_by_layer"] == pytest.approx([np.mean(layer) for layer in inactive])
    assert summary.curves["selectivity_by_layer"] == pytest.approx([np.mean(layer) for layer in selectivities])
    assert summary.curves["universality_by_layer"] == pytest.approx([1 - np.mean(layer) for layer in selectivities])
    assert summary.metrics["sparsity"] == np.mean(np.concatenate(inactive))
    assert summary.metrics["selectivity"] == pytest.approx(np.mean(np.concatenate(selectivities)))
    first, last = (np.mean(np.concatenate(part)) for part in (selectivities[:3], selectivities[-3:]))
    assert summary.metrics["selectivity_rise"] == pytest.approx(last - first)
    assert 0 < summary.metrics["selectivity"] < 1


def test_scales_count_by_their_magnitude_whatever_the_activations_are() -> None:
    net = network()
    norm = next(layer for layer in net if isinstance(layer, nn.BatchNorm2d))
    with torch.no_grad():
        norm.weight[2] = -0.5
        norm.weight[3] = -1e-4
    by_layer = summarise(layers(net, images())).curves["sparsity_by_scale_by_layer"]
    assert by_layer == pytest.approx([2 / 8, 0, 2 / 16, 0, 1 / 32, 0, 1 / 32])


def test_a_feature_is_selective_for_images_without_a_thousandth_of_its_largest_response() -> None:
    maxima = np.array([[2.0, 0.0], [0.0021, 0.0], [0.0019, 0.0], [0.0, 0.0]], np.float32)
    layer = LayerActivations(maxima, np.ones(2, np.float32))
    assert layer.inactive().tolist() == [False, True]
    assert layer.selectivity().tolist() == [0.5]


def test_inactive_features_have_no_selectivity_and_a_dead_layer_has_none_at_all() -> None:
    dead = LayerActivations(np.zeros((5, 2), np.float32), np.zeros(2, np.float32))
    alive = LayerActivations(np.array([[1, 0]] * 4 + [[0, 1]], np.float32), np.ones(2, np.float32))
    summary = summarise([alive, dead])
    assert summary.metrics["sparsity"] == 0.5
    assert summary.metrics["selectivity"] == pytest.approx((0.2 + 0.8) / 2)
    assert summary.curves["selectivity_by_layer"][0] == pytest.approx(0.5)
    assert math.isnan(summary.curves["selectivity_by_layer"][1])
    assert math.isnan(summary.curves["universality_by_layer"][1])


def test_a_tiny_activation_is_still_an_activation() -> None:
    layer = LayerActivations(np.array([[1.1e-12, 0.9e-12]]), np.ones(2))
    assert layer.inactive().tolist() == [False, True]
