"""Which channels to remove for a wanted number of MACs, by one threshold for all groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from impls.pruning.channel_groups import ChannelGroup, Indices, MacCounter, Mask

MIN_KEPT_SHARE = 0.1
"""Each group keeps at least this share of its channels, and at least one, so that no layer vanishes."""


@dataclass(frozen=True)
class ChannelRanking:
    """In which order the channels of a group go."""

    thresholds: NDArray[np.float64]
    """Ascending: above the k-th value, a threshold removes at least k channels."""
    indices_to_keep: Callable[[int], Indices]
    """Returns the indices of the channels that stay where so many do."""
    representatives: Callable[[int], Indices] | None = None
    """Returns, where so many stay, the channel that stands for each; None where those that go leave nothing behind."""


def by_score(scores: NDArray[np.float64]) -> ChannelRanking:
    """Return a ranking in which channels with small scores go first; of equal ones, the last.

    Raises:
        ValueError: where a score is not finite.
    """
    if not np.isfinite(scores).all():
        raise ValueError("a score of a channel is not finite")
    order = np.lexsort((-np.arange(len(scores)), scores))
    return ChannelRanking(scores[order], lambda count: np.sort(order[len(order) - count :]))


def uniform(size: int) -> ChannelRanking:
    """Return a ranking by which all groups lose the same share of their channels, the last first."""
    return ChannelRanking((np.arange(size) + 1) / size, np.arange)


def min_macs(groups: Sequence[ChannelGroup], counts: MacCounter, round_to: int = 1) -> int:
    """Return the MACs that are left where each group keeps as few channels as it may; see ``keep_within``."""
    return counts.macs(groups, [np.arange(group.size) < _round_up(0, group.size, round_to) for group in groups])


def keep_within(
    groups: Sequence[ChannelGroup],
    rankings: Sequence[ChannelRanking],
    counts: MacCounter,
    macs: float,
    round_to: int = 1,
) -> list[Mask]:
    """Return which channels each group keeps: by the lowest threshold with which the network has at most ``macs``.

    Args:
        groups: groups of channels.
        rankings: a ranking for each.
        counts: counts the network's MACs.
        macs: the most MACs for one image.
        round_to: groups keep a number that is rounded up to a multiple of it, at most all.

    Raises:
        ValueError: where the network has more MACs even if each group keeps as few as it may.
    """

    def kept(threshold: float) -> list[int]:
        return [
            _round_up(group.size - int((ranking.thresholds < threshold).sum()), group.size, round_to)
            for group, ranking in zip(groups, rankings, strict=True)
        ]

    def masks(threshold: float) -> list[Mask]:
        chosen = []
        for group, ranking, count in zip(groups, rankings, kept(threshold), strict=True):
            mask = np.zeros(group.size, bool)
            mask[ranking.indices_to_keep(count)] = True
            chosen.append(mask)
        return chosen

    thresholds = np.append(np.unique(np.concatenate([ranking.thresholds for ranking in rankings])), np.inf)
    low, high = 0, len(thresholds) - 1
    if (least := counts.macs(groups, masks(thresholds[high]))) > macs:
        raise ValueError(f"at least {least:,} MACs are left, more than the {int(macs):,} to keep")
    while low < high:
        middle = (low + high) // 2
        if counts.macs(groups, masks(thresholds[middle])) <= macs:
            high = middle
        else:
            low = middle + 1
    return masks(thresholds[high])


def _round_up(count: int, size: int, round_to: int) -> int:
    fewest = max(1, ceil(MIN_KEPT_SHARE * size))
    return min(size, ceil(max(count, fewest) / round_to) * round_to)
