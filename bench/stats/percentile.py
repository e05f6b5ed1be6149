"""Percentiles, only where enough samples back them."""

from collections.abc import Sequence

import numpy as np

from bench.stats.samples import finite_array

BACKING_CONFIDENCE = 0.99
"""Probability with which at least two samples must lie beyond a percentile."""


def percentile(samples: Sequence[float], q: float) -> float | None:
    """Return the ``q`` quantile (0 < q < 1; 0.99 is p99) of ``samples``, in their unit, or None if too few back it.

    The estimate is the approximately median-unbiased one (Hyndman & Fan 1996, Sample quantiles in statistical packages,
    definition 8).

    Raises:
        ValueError: where ``q`` is outside (0, 1) or a sample is not finite.
    """
    if not 0 < q < 1:
        raise ValueError(f"q: expected a number strictly between 0 and 1, got {q}")
    if not is_backed(len(samples), q):
        return None
    return float(np.quantile(finite_array(samples, "samples"), q, method="median_unbiased"))


def is_backed(count: int, q: float) -> bool:
    """Return whether at least two of ``count`` independent samples lie beyond the ``q`` quantile.

    They must do so with 99 % probability. Beyond means on the side of the shorter tail, t = min(q, 1 - q). The number
    of samples there is Binomial(count, t), so the rule is P(0 or 1) = (1 - t)**count + count * t * (1 - t)**(count - 1)
    <= 0.01: 11 samples for the median, 130 for p95, 662 for p99. With a single sample beyond it, a quantile would be
    little more than the maximum.
    """
    if count < 2:
        return False
    tail = min(q, 1 - q)
    at_most_one = (1 - tail) ** (count - 1) * (1 - tail + count * tail)
    return at_most_one <= 1 - BACKING_CONFIDENCE
