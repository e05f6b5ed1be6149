"""Groups of filters: the compact layer computes what the masked dense one does, and masks only shrink."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from impls.networks.block import STANDARD
from impls.networks.catalogue import create_network
from impls.networks.count import count_macs
from impls.pruning.diverse_groups import Group, diverse_groups, restore_diverse_groups
from impls.pruning.self_grouping import (
    MAX_LINEAR_PER_CENT,
    GroupedLayer,
    groupable_layers,
    importance_vectors,
    regroup_within,
    replace_layers,
)

GROUPS = [Group([0, 3], [1, 2, 6]), Group([1], [0]), Group([2, 4, 5], [0, 1, 2, 3, 4, 5, 6])]


def masked(layer: nn.Conv2d | nn.Linear, groups: list[Group]) -> nn.Module:
    """Return the dense layer with zeros for the inputs that its outputs do not read."""
    result = copy.deepcopy(layer)
    mask = torch.zeros(layer.weight.shape[:2], dtype=layer.weight.dtype)
    for group in groups:
        mask[torch.tensor(group.outputs)[:, None], torch.tensor(group.inputs)] = 1
    with torch.no_grad():
        result.weight.mul_(mask.reshape(*mask.shape, *[1] * (layer.weight.ndim - 2)))
    return result


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (nn.Conv2d(7, 6, 3, padding=1), torch.randn(2, 7, 5, 6)),
        (nn.Conv2d(7, 6, (3, 5), stride=2, padding=(2, 1), dilation=2, bias=False), torch.randn(2, 7, 11, 12)),
        (nn.Conv2d(7, 6, 1, stride=(1, 2)), torch.randn(1, 7, 4, 4)),
        (nn.Linear(7, 6), torch.randn(3, 7)),
        (nn.Linear(7, 6, bias=False), torch.randn(3, 7)),
    ],
)
def test_compact_layers_agree_with_masked_ones(layer: nn.Conv2d | nn.Linear, x: Tensor) -> None:
    layer, x = layer.double(), x.double()
    compact = diverse_groups(layer, GROUPS).double()
    torch.testing.assert_close(compact(x), masked(layer, GROUPS)(x), rtol=1e-12, atol=1e-12)
    dense = compact.as_dense()
    assert isinstance(dense, (nn.Conv2d, nn.Linear))
    torch.testing.assert_close(dense.weight, masked(layer, GROUPS).weight, rtol=0, atol=0)
    torch.testing.assert_close(dense(x), compact(x), rtol=1e-12, atol=1e-12)


def test_groups_that_are_none_are_refused() -> None:
    layer = nn.Linear(3, 2)
    for groups in ([Group([0], [1])], [Group([0, 1], [1]), Group([1], [2])]):
        with pytest.raises(ValueError, match="each output has to be in exactly one group"):
            diverse_groups(layer, groups)
    with pytest.raises(ValueError, match="a group needs at least one input"):
        diverse_groups(layer, [Group([0], [1]), Group([1], [])])


def test_importance_vectors_are_sums_of_absolute_weights() -> None:
    layer = nn.Conv2d(4, 3, 3)
    weights = np.abs(layer.weight.detach().double().numpy())
    np.testing.assert_allclose(importance_vectors(layer), weights.sum(axis=(2, 3)))


def test_filters_that_need_the_same_inputs_form_a_group() -> None:
    layer = nn.Conv2d(8, 6, 1)
    with torch.no_grad():
        layer.weight.fill_(0.01)
        layer.weight[:3, :4] = 1
        layer.weight[3:, 4:] = 1
    grouped = GroupedLayer("layer", layer, np.ones((6, 8), bool), 1).regroup(50, seed=0)
    assert grouped.groups() == [Group([3, 4, 5], [4, 5, 6, 7]), Group([0, 1, 2], [0, 1, 2, 3])]


@pytest.mark.parametrize("seed", range(3))
def test_masks_shrink_and_no_filter_is_left_without_inputs(seed: int) -> None:
    torch.manual_seed(seed)
    current = GroupedLayer("layer", nn.Conv2d(24, 40, 3), np.ones((40, 24), bool), 1)
    for per_cent in range(10, 101, 10):
        following = current.regroup(per_cent, seed)
        assert (following.reads <= current.reads).all()
        assert following.reads.any(axis=1).all()
        assert following.reads.mean() <= 1 - per_cent / 100 + 1 / 24, "but for the one input that each keeps"
        current = following


def test_fully_connected_layers_keep_more() -> None:
    layer = GroupedLayer("layer", nn.Linear(50, 20), np.ones((20, 50), bool), 1)
    assert layer.regroup(95, 0).reads.mean() == pytest.approx(1 - MAX_LINEAR_PER_CENT / 100, abs=0.02)


@pytest.mark.parametrize("name", ["resnet20", "vgg16"])
def test_a_network_keeps_to_its_budget_and_can_be_restored(name: str) -> None:
    def create() -> nn.Module:
        torch.manual_seed(0)
        return create_network(name, STANDARD, width_mult=0.25).eval()

    network, x = create(), torch.randn(2, 3, 32, 32)
    layers = groupable_layers(network, x[:1])
    names = [layer.name for layer in layers]
    assert not any("shortcut" in each for each in names)
    assert any("shortcut" in each for each, _ in network.named_modules()) == (name == "resnet20")
    stem = next(each for each, layer in network.named_modules() if isinstance(layer, nn.Conv2d))
    assert stem not in names
    whole = count_macs(network, 3, 32, 32)
    others = whole - sum(layer.macs for layer in layers)
    replace_layers(network, regroup_within(layers, 0.5 * whole - others, seed=0))
    assert 0.45 * whole < count_macs(network, 3, 32, 32) <= 0.5 * whole
    restored = create()
    restore_diverse_groups(restored, {key: tensor.clone() for key, tensor in network.state_dict().items()})
    with torch.no_grad():
        torch.testing.assert_close(restored(x), network(x), rtol=0, atol=0)


def test_what_cannot_be_reached_is_refused() -> None:
    network = create_network("resnet8", STANDARD, width_mult=0.25)
    layers = groupable_layers(network, torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match="MACs are left, more than the 10 to keep"):
        regroup_within(layers, 10, seed=0)
