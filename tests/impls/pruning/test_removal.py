"""Removing channels is exact: compact networks agree with masked ones, and folding with what it replaces."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from impls.networks.block import DW_PW, STANDARD, grouped
from impls.networks.catalogue import create_network
from impls.networks.count import count_macs
from impls.pruning.channel_groups import ChannelGroup, MacCounter, Mask, channel_groups
from impls.pruning.removal import fold_constants, fold_into_representatives, remove, resize
from tests.impls.pruning.random_network import Dense, images, random_network

SEEDS = range(40)
EXACT = {"rtol": 1e-9, "atol": 1e-9}


def logits(network: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return network.eval()(x)


def random_masks(groups: list[ChannelGroup], seed: int) -> list[Mask]:
    generator = np.random.default_rng(seed)
    masks = [generator.random(group.size) < 0.6 for group in groups]
    for mask in masks:
        mask[generator.integers(len(mask))] = True
    return masks


@torch.no_grad()
def ignore(group: ChannelGroup, mask: Mask) -> None:
    """Make the layers that read a group ignore the channels outside the mask."""
    for each in group.consumers():
        each.layer.weight[:, torch.from_numpy(each.positions[~mask[each.channels]])] = 0  # type: ignore[index]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_compact_network_agrees_with_the_masked_one(seed: int) -> None:
    network, x = random_network(seed), images(seed)
    before = logits(network, x)
    groups = channel_groups(network, x[:1])
    masks = random_masks(groups, seed)
    for group, mask in zip(groups, masks, strict=True):
        ignore(group, mask)
    masked = logits(network, x)
    remove(groups, masks)
    torch.testing.assert_close(logits(network, x), masked, **EXACT)
    if not all(mask.all() for mask in masks):
        assert not torch.allclose(before, masked)


@pytest.mark.parametrize("seed", SEEDS)
def test_macs_are_those_of_the_compact_network(seed: int) -> None:
    network, x = random_network(seed).float(), images(seed)[:1].float()
    groups, counts = channel_groups(network, x), MacCounter(network, x)
    masks = random_masks(groups, seed)
    predicted = counts.macs(groups, masks)
    remove(groups, masks)
    assert predicted == count_macs(network, *x.shape[1:])


@torch.no_grad()
def copy_channel(group: ChannelGroup, source: int, copied: int) -> None:
    """Give a channel the values of another, wherever it is computed or normalised."""
    for each in group.layers:
        if each.side == "outputs":
            sources, copies = (each.positions[each.channels == channel] for channel in (source, copied))
            for tensor in [*each.layer.parameters(recurse=False), *each.layer.buffers(recurse=False)]:
                if tensor.ndim:
                    tensor[copies] = tensor[sources]


def alike(group: ChannelGroup, first: int, second: int) -> bool:
    """Whether two channels are computed by the same layers, as parts of a concatenation are not."""
    return all((first in each.channels) == (second in each.channels) for each in group.layers)


@pytest.mark.parametrize("seed", SEEDS)
def test_folding_a_copy_of_a_channel_into_it_changes_nothing(seed: int) -> None:
    network, x = random_network(seed), images(seed)
    generator = np.random.default_rng(seed)
    groups = channel_groups(network, x[:1])
    pairs = []
    for group in groups:
        copied = int(generator.integers(group.size))
        sources = [channel for channel in range(group.size) if channel != copied and alike(group, channel, copied)]
        pairs.append((int(generator.choice(sources)), copied))
        copy_channel(group, *pairs[-1])
    expected = logits(network, x)
    for group, (source, copied) in zip(groups, pairs, strict=True):
        representatives = np.arange(group.size)
        representatives[copied] = source
        fold_into_representatives(group, representatives)
    remove(groups, [np.arange(group.size) != copied for group, (_, copied) in zip(groups, pairs, strict=True)])
    torch.testing.assert_close(logits(network, x), expected, **EXACT)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("padding", [0, 1])
def test_a_constant_channel_is_folded_exactly_but_for_padded_borders(bias: bool, padding: int) -> None:
    torch.manual_seed(1)
    network = nn.Sequential(
        *(nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU()),
        *(nn.Conv2d(6, 4, 3, padding=padding, bias=bias), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1)),
    )
    network = network.double().eval()
    norm, x = network[1], images(1)
    with torch.no_grad():
        norm.weight[2], norm.bias[2] = 0, 0.7
        norm.weight[4], norm.bias[4] = 0, -0.7
    expected = logits(network, x)
    groups = channel_groups(network, x[:1])
    kept = np.array([True, True, False, True, False, True])
    constants = torch.relu(norm.bias.detach())
    fold_constants(groups[0], kept, constants, {network[3]: network[4]})
    remove(groups, [kept, np.ones(4, bool)])
    border = padding
    inside = slice(border, -border or None)
    torch.testing.assert_close(logits(network, x)[..., inside, inside], expected[..., inside, inside], **EXACT)
    assert torch.allclose(logits(network, x), expected) == (padding == 0)


@pytest.mark.parametrize("name", ["basic_net", "resnet20", "vgg16", "densenet40", "mobilenet"])
def test_networks_of_the_catalogue_can_be_resized_to_the_tensors_of_a_compact_one(name: str) -> None:
    def create() -> nn.Module:
        return create_network(name, DW_PW if name == "mobilenet" else STANDARD, width_mult=0.25).eval()

    network, x = create(), torch.randn(2, 3, 32, 32)
    groups = channel_groups(network, x[:1])
    remove(groups, random_masks(groups, 3))
    other = create()
    resize(other, network.state_dict())
    assert str(other) == str(network)
    torch.testing.assert_close(logits(other, x), logits(network, x), rtol=0, atol=0)
    assert count_macs(network, 3, 32, 32) < count_macs(create(), 3, 32, 32)


def test_what_cannot_be_removed_is_refused() -> None:
    x = torch.zeros(1, 3, 32, 32)
    with pytest.raises(NotImplementedError, match="channels of a grouped convolution"):
        channel_groups(create_network("resnet20", grouped(2)), x)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.PReLU(4), nn.Conv2d(4, 2, 1))
    with pytest.raises(NotImplementedError, match=r"channels of PReLU \(1\)"):
        channel_groups(network, x)
    flattened = nn.Sequential(Dense(3, 4), nn.Flatten(), nn.Linear(7 * 16, 5), nn.ReLU(), nn.Linear(5, 2))
    with pytest.raises(NotImplementedError, match="torch-pruning does not follow the"):
        channel_groups(nn.Sequential(nn.Conv2d(3, 3, 1), flattened), torch.zeros(1, 3, 4, 4))
    plain = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1))
    groups = channel_groups(plain, x)
    with pytest.raises(ValueError, match="no channel of 0 would be left"):
        remove(groups, [np.zeros(4, bool)])
    assert copy.deepcopy(plain)(x).shape == (1, 2, 32, 32), "and nothing was removed"
