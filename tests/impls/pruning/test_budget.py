"""The lowest threshold within a budget of MACs is found, numbers are rounded up, and no layer vanishes."""

import numpy as np
import pytest
import torch

from impls.networks.block import STANDARD
from impls.networks.catalogue import create_network
from impls.pruning.budget import MIN_KEPT_SHARE, ChannelRanking, by_score, keep_within, min_macs, uniform
from impls.pruning.channel_groups import ChannelGroup, MacCounter, channel_groups
from impls.pruning.scores import random


@pytest.fixture(scope="module")
def resnet() -> tuple[list[ChannelGroup], MacCounter]:
    network, x = create_network("resnet20", STANDARD).eval(), torch.zeros(1, 3, 32, 32)
    return channel_groups(network, x), MacCounter(network, x)


def all_macs(groups: list[ChannelGroup], counts: MacCounter) -> int:
    return counts.macs(groups, [np.ones(group.size, bool) for group in groups])


def random_rankings(groups: list[ChannelGroup], seed: int = 0) -> list[ChannelRanking]:
    generator = np.random.default_rng(seed)
    return [by_score(random(group, generator)) for group in groups]


@pytest.mark.parametrize("share", [0.9, 0.5, 0.2])
def test_one_removal_less_would_be_too_many_macs(share: float, resnet: tuple[list[ChannelGroup], MacCounter]) -> None:
    groups, counts = resnet
    rankings = random_rankings(groups)
    macs = share * all_macs(groups, counts)
    kept = keep_within(groups, rankings, counts, macs)
    assert counts.macs(groups, kept) <= macs
    removed_at = [
        ranking.thresholds[group.size - mask.sum() - 1] if not mask.all() else -np.inf
        for group, ranking, mask in zip(groups, rankings, kept, strict=True)
    ]
    last = int(np.argmax(removed_at))
    more = [mask.copy() for mask in kept]
    more[last][rankings[last].indices_to_keep(int(kept[last].sum()) + 1)] = True
    assert counts.macs(groups, more) > macs


@pytest.mark.parametrize("round_to", [1, 3, 8, 16])
def test_numbers_of_channels_are_rounded_up(round_to: int, resnet: tuple[list[ChannelGroup], MacCounter]) -> None:
    groups, counts = resnet
    kept = keep_within(groups, random_rankings(groups, 1), counts, 0.5 * all_macs(groups, counts), round_to)
    assert all(mask.sum() % round_to == 0 or mask.all() for mask in kept)
    assert all(mask.sum() >= MIN_KEPT_SHARE * mask.size for mask in kept)


def test_what_cannot_be_reached_is_refused(resnet: tuple[list[ChannelGroup], MacCounter]) -> None:
    groups, counts = resnet
    least = min_macs(groups, counts)
    assert 0 < least < 0.1 * all_macs(groups, counts)
    kept = keep_within(groups, random_rankings(groups), counts, least)
    assert [int(mask.sum()) for mask in kept] == [int(np.ceil(MIN_KEPT_SHARE * group.size)) for group in groups]
    with pytest.raises(ValueError, match=f"at least {least:,} MACs are left"):
        keep_within(groups, random_rankings(groups), counts, least - 1)


def test_small_scores_go_first_and_of_equal_ones_the_last() -> None:
    ranking = by_score(np.array([3.0, 1.0, 2.0, 1.0]))
    assert [ranking.indices_to_keep(count).tolist() for count in (4, 3, 2, 1)] == [[0, 1, 2, 3], [0, 1, 2], [0, 2], [0]]
    with pytest.raises(ValueError, match="not finite"):
        by_score(np.array([1.0, np.nan]))


def test_uniform_rankings_take_the_same_share_from_all(resnet: tuple[list[ChannelGroup], MacCounter]) -> None:
    groups, counts = resnet
    kept = keep_within(groups, [uniform(group.size) for group in groups], counts, 0.5 * all_macs(groups, counts))
    shares = [mask.mean() for mask in kept]
    assert max(shares) - min(shares) < 1 / 16
    assert all(mask[: mask.sum()].all() for mask in kept)
