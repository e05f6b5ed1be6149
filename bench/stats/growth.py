"""Memory growth: bytes that every call keeps."""

from collections.abc import Sequence
from itertools import chain, pairwise
from statistics import median
from typing import NamedTuple

STEP_BYTES = 256 << 10
"""What an allocator that takes memory in pieces, or a kernel that counts pages roughly, adds to a process that keeps
nothing; a leak has to add more, in the median process."""
STEADY, ALMOST_ALL = 0.8, 0.9
"""Least fraction of rounds that grew by at least half of the mean, and least fraction of processes that grew."""
MIN_ROUNDS = 3
"""Least number of rounds, of all processes together, without each one's extremes."""


class _Round(NamedTuple):
    growth: int
    calls: int

    @property
    def rate(self) -> float:
        return self.growth / self.calls


def growth_per_call(held: Sequence[Sequence[int]], calls: Sequence[Sequence[int]]) -> float:
    """Return the bytes by which each call makes its process grow; 0 where memory does not grow steadily.

    ``held[p]`` are the bytes that process p held before its first round and after each round, and ``calls[p]`` are its
    calls in each round. The result is a trimmed mean: in each process, the round that grew most and the one that grew
    least are left out. Growth must go on round after round, in most processes, and come to more than STEP_BYTES:
    memory that grows once and then stays (arenas, caches that are soon full) does not count. A cache that fills for
    longer than a process is timed looks like growth.
    """
    processes = [rounds for rounds in map(_without_extremes, held, calls) if rounds]
    rounds = list(chain.from_iterable(processes))
    if len(rounds) < MIN_ROUNDS:
        return 0.0
    growths = [sum(each.growth for each in process) for process in processes]
    growing = sum(growth > 0 for growth in growths)
    if median(growths) <= STEP_BYTES or growing < ALMOST_ALL * len(growths):
        return 0.0
    mean = sum(growths) / sum(each.calls for each in rounds)
    steady = sum(each.rate >= mean / 2 for each in rounds)
    return mean if steady >= STEADY * len(rounds) else 0.0


def _without_extremes(held: Sequence[int], calls: Sequence[int]) -> list[_Round]:
    """Return the rounds of a process without the one of the highest rate and the one of the lowest."""
    rounds = [_Round(after - before, count) for (before, after), count in zip(pairwise(held), calls, strict=True)]
    return sorted(rounds, key=lambda each: each.rate)[1:-1]
