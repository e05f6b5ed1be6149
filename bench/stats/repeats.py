"""Repeats of an experiment under different seeds: their mean, and whether two implementations differ in it.

Repeats are few and independent, so what holds for the many rounds of a timing (``interval.py``) is not used here.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.stats.interval import Interval
from bench.stats.samples import check_confidence, finite_array
from bench.stats.student import t_quantile

MOST_ENUMERATED: Final = 14
"""Repeats up to which every choice of signs is tried."""
ALPHA: Final = 0.05
"""The chance to find, by luck alone, any difference among the comparisons that were corrected together."""
_ROUNDING = 1e-12
"""Sums nearer than this, relative to the sum of all magnitudes, are equal."""


class Finding(StrEnum):
    """What may be said of an implementation's metric against the baseline's."""

    BETTER = "better"
    WORSE = "worse"
    CANNOT_TELL = "cannot tell"


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the mean of ``values``, one a repeat, with Student's t interval, mean -+ t * s / sqrt(n).

    It assumes that the repeats are independent and that their mean is about normal. For a single value, which shows
    no spread, the interval is (-inf, inf). Raises ValueError where ``values`` is empty or not finite, or
    ``confidence`` is not strictly between 0 and 1.
    """
    check_confidence(confidence)
    array = finite_array(values, "values")
    mean = float(array.mean())
    if array.size < 2:
        return Interval(mean, -math.inf, math.inf, confidence)
    reach = t_quantile(confidence, array.size - 1) * float(array.std(ddof=1)) / math.sqrt(array.size)
    return Interval(mean, mean - reach, mean + reach, confidence)


def paired_differences(values: Sequence[float], baseline: Sequence[float]) -> list[float]:
    """Return ``values`` - ``baseline``, repeat by repeat: what a seed does to both alike cancels.

    Raises ValueError where the lengths differ, or a value is not finite.
    """
    ours, theirs = finite_array(values, "values"), finite_array(baseline, "baseline")
    if ours.size != theirs.size:
        raise ValueError(f"repeats do not pair: {ours.size} values, {theirs.size} of the baseline")
    differences: list[float] = (ours - theirs).tolist()
    return differences


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return the two-sided p value of paired ``differences``, by Fisher's randomisation test.

    If the two do not differ, each difference had as likely come out with the other sign. p is the share of all 2^n
    choices of signs whose sum is at least as far from zero as the one observed (Fisher 1935, The design of
    experiments, section 21), so it is 2 / 2^n at least. Beyond MOST_ENUMERATED repeats, p is estimated from 2^14 - 1
    random choices and the observed one, always the same, which keeps the test valid (Phipson & Smyth 2010,
    Permutation p-values should never be zero). It assumes independent repeats and, where the two do not differ,
    differences symmetric about zero; no normality. Raises ValueError where there is none or one is not finite.
    """
    array = finite_array(differences, "differences")
    sums = np.abs(_signs(array.size) @ array)
    return float(np.mean(sums >= abs(array.sum()) - _ROUNDING * np.abs(array).sum()))


def least_p(count: int) -> float:
    """Return the least p value that ``count`` repeats can have in :func:`sign_flip_p`."""
    return float(2.0 ** (1 - count)) if count <= MOST_ENUMERATED else float(2.0**-MOST_ENUMERATED)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return ``p_values``, in their order, corrected for being so many.

    Holm's step-down method (Holm 1979, A simple sequentially rejective multiple test procedure): the least of m is
    multiplied by m, the next by m - 1 and so on, none falls below the one before it, and 1 is the most. Calling those
    below 0.05 differences finds any by luck alone with a chance of at most 5 %, however they depend on one another.
    Raises ValueError where a p value is not between 0 and 1.
    """
    if wrong := [p for p in p_values if not 0 <= p <= 1]:
        raise ValueError(f"p_values: expected numbers from 0 to 1, got {wrong[0]}")
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def judge_difference(difference: float, corrected_p: float, more_is_better: bool) -> Finding:
    """Return the finding on a mean ``difference`` to the baseline: only where ``corrected_p`` is below ALPHA."""
    if not corrected_p < ALPHA:
        return Finding.CANNOT_TELL
    return Finding.BETTER if (difference > 0) == more_is_better else Finding.WORSE


def _signs(count: int) -> NDArray[np.int64]:
    """Choices of ``count`` signs, one a row, the first of them all positive."""
    if count > MOST_ENUMERATED:
        drawn = np.random.default_rng(0).integers(0, 2, size=(2**MOST_ENUMERATED, count))
        drawn[0] = 0
    else:
        drawn = np.arange(2**count)[:, np.newaxis] >> np.arange(count) & 1
    return 1 - 2 * drawn
