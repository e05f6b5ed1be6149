"""Memory growth: bytes that every call keeps."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

MIN_GROWTH_BYTES = 512 << 10
"""Least growth of all processes together, in bytes; less could come from page counting or an allocator's rounding."""
STEADY, ALMOST_ALL = 0.8, 0.9
"""Least fraction of rounds that grew by at least half of the median, and least fraction of processes that grew."""


def growth_per_call(held: Sequence[Sequence[int]], calls: Sequence[Sequence[int]]) -> float:
    """Return the bytes by which each call makes its process grow; 0 where memory does not grow steadily.

    ``held[p]`` are the bytes that process p held before its first round and after each round, and ``calls[p]`` are its
    calls in each round. Growth must go on round after round, in most processes: memory that grows once and then stays
    (arenas, caches that are soon full) does not count. A cache that fills for longer than a process is
    timed looks like growth.
    """
    timed = [(sizes, counts) for sizes, counts in zip(held, calls, strict=True) if counts]
    growths = [sizes[-1] - sizes[0] for sizes, _ in timed]
    rates = [
        (after - before) / count
        for sizes, counts in timed
        for (before, after), count in zip(pairwise(sizes), counts, strict=True)
    ]
    growing = sum(growth > 0 for growth in growths)
    if len(rates) < 3 or sum(growths) < MIN_GROWTH_BYTES or growing < ALMOST_ALL * len(growths):
        return 0.0
    usual = median(rates)
    steady = sum(rate >= usual / 2 for rate in rates)
    return usual if usual > 0 and steady >= STEADY * len(rates) else 0.0
