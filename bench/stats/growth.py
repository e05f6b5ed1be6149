"""Memory growth: bytes that every call keeps."""

from collections.abc import Sequence
from itertools import chain, pairwise
from statistics import median
from typing import NamedTuple

MIN_LEAK_BYTES = 256 << 10
"""The median process must grow by more than this. Allocators that reserve memory in pieces, and the kernel's rough page
counts, can add up to this much."""
MIN_STEADY_ROUNDS = 0.8
"""Least fraction of rounds that grew by at least half of the mean."""
MIN_GROWING_PROCESSES = 0.9
"""Least fraction of processes that grew."""
MIN_ROUNDS = 3
"""Fewest rounds in all processes together, not counting the two extreme rounds that are left out of each process."""


class _Round(NamedTuple):
    growth: int
    calls: int

    @property
    def rate(self) -> float:
        return self.growth / self.calls


def growth_per_call(held: Sequence[Sequence[int]], calls: Sequence[Sequence[int]]) -> float:
    """Return the bytes by which each call makes its process grow; 0 where memory does not grow steadily.

    ``held[p]`` are the bytes that process p held before its first round and after each round, and ``calls[p]`` are its
    calls in each round. The result is a trimmed mean: in each process, the rounds with the highest and the lowest
    growth per call are left out. Growth must go on round after round, in most processes, and come to more than
    MIN_LEAK_BYTES: memory that grows once and then stays (arenas, caches that are soon full) does not count. A cache
    that fills for longer than a process is timed looks like growth.
    """
    processes = [rounds for rounds in map(_without_extremes, held, calls) if rounds]
    rounds = list(chain.from_iterable(processes))
    if len(rounds) < MIN_ROUNDS:
        return 0.0
    growths = [sum(each.growth for each in process) for process in processes]
    growing = sum(growth > 0 for growth in growths)
    if median(growths) <= MIN_LEAK_BYTES or growing < MIN_GROWING_PROCESSES * len(growths):
        return 0.0
    mean = sum(growths) / sum(each.calls for each in rounds)
    steady = sum(each.rate >= mean / 2 for each in rounds)
    return mean if steady >= MIN_STEADY_ROUNDS * len(rounds) else 0.0


def _without_extremes(held: Sequence[int], calls: Sequence[int]) -> list[_Round]:
    """Return the rounds of a process without those of the highest and the lowest growth per call."""
    rounds = [_Round(after - before, count) for (before, after), count in zip(pairwise(held), calls, strict=True)]
    return sorted(rounds, key=lambda each: each.rate)[1:-1]
