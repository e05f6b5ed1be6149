"""Memory growth: bytes that every call keeps."""

from collections.abc import Sequence
from itertools import chain, pairwise
from statistics import median

MIN_LEAK_BYTES = 512 << 10
"""Least growth of all processes together, in bytes; less could come from page counting or an allocator's rounding."""
MIN_STEADY_ROUNDS = 0.8
"""Least fraction of rounds that grew by at least half of the median."""
MIN_GROWING_PROCESSES = 0.9
"""Least fraction of processes that grew."""
MIN_ROUNDS = 3
"""Fewest rounds in all processes together."""


def growth_per_call(held: Sequence[Sequence[int]], calls: Sequence[Sequence[int]]) -> float:
    """Return the bytes by which each call makes its process grow; 0 where memory does not grow steadily.

    ``held[p]`` are the bytes that process p held before its first round and after each round, and ``calls[p]`` are its
    calls in each round. Growth must go on round after round, over all processes and in the one with most rounds: memory
    that grows at first and then stays (arenas, caches that are soon full) does not count. A cache that fills for longer
    than any process is timed looks like growth.
    """
    timed = [(sizes, counts) for sizes, counts in zip(held, calls, strict=True) if counts]
    rates = [
        [(after - before) / count for (before, after), count in zip(pairwise(sizes), counts, strict=True)]
        for sizes, counts in timed
    ]
    all_rates = list(chain.from_iterable(rates))
    growths = [sizes[-1] - sizes[0] for sizes, _ in timed]
    growing = sum(growth > 0 for growth in growths)
    if len(all_rates) < MIN_ROUNDS or sum(growths) < MIN_LEAK_BYTES or growing < MIN_GROWING_PROCESSES * len(growths):
        return 0.0
    usual = median(all_rates)
    is_steady = all(
        sum(rate >= usual / 2 for rate in some) >= MIN_STEADY_ROUNDS * len(some)
        for some in (all_rates, max(rates, key=len))
    )
    return usual if usual > 0 and is_steady else 0.0
