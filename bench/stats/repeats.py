"""Repeats of an experiment under different seeds: their mean, and whether two implementations differ in it.

Repeats are few and independent, so the methods for the many rounds of a timing (``nested.py``) are not used.
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

MAX_ENUMERATED: Final = 14
"""Largest number of repeats for which every choice of signs is enumerated."""
ALPHA: Final = 0.05
"""Probability of a false difference among comparisons that were corrected together."""
_ROUNDING = 1e-12
"""Tolerance for equal sums, relative to the sum of all magnitudes."""


class Finding(StrEnum):
    """The result of comparing an implementation's metric with the baseline's."""

    BETTER = "better"
    WORSE = "worse"
    CANNOT_TELL = "cannot tell"


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the mean of ``values``, one for each repeat, with Student's t interval, mean -+ t * s / sqrt(n).

    It assumes that the repeats are independent and that their mean is about normal. For a single value, which shows
    no spread, the interval is (-inf, inf).

    Raises:
        ValueError: where ``values`` is empty or not finite, or ``confidence`` is not strictly between 0 and 1.
    """
    check_confidence(confidence)
    array = finite_array(values, "values")
    mean = float(array.mean())
    if array.size < 2:
        return Interval(mean, -math.inf, math.inf, confidence)
    reach = t_quantile(confidence, array.size - 1) * float(array.std(ddof=1)) / math.sqrt(array.size)
    return Interval(mean, mean - reach, mean + reach, confidence)


def median_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the median of ``values``, one for each repeat, with an interval between two of them.

    The ends are the k-th smallest and the k-th largest value, for the largest k at which the interval covers the median
    with a probability of ``confidence`` or more: 1 - 2 P(B < k), where B is Binomial(n, 1/2) (Thompson 1936, On
    confidence ranges for the median). Nothing is assumed of the distribution. Where there are too few repeats for any
    k, fewer than 6 for 95 %, the interval is (-inf, inf).

    Raises:
        ValueError: where ``values`` is empty or not finite, or ``confidence`` is not strictly between 0 and 1.
    """
    check_confidence(confidence)
    ordered = np.sort(finite_array(values, "values")).tolist()
    count, median, below, rank = len(ordered), float(np.median(ordered)), 0.0, 0
    while rank < (count + 1) // 2:
        below += math.comb(count, rank) / 2**count
        if 1 - 2 * below < confidence:
            break
        rank += 1
    if rank == 0:
        return Interval(median, -math.inf, math.inf, confidence)
    return Interval(median, ordered[rank - 1], ordered[count - rank], confidence)


def paired_differences(values: Sequence[float], baseline: Sequence[float]) -> list[float]:
    """Return ``values`` - ``baseline``, repeat by repeat, so that what a seed does to both alike cancels.

    Raises:
        ValueError: where the lengths differ, or a value is not finite.
    """
    ours, theirs = finite_array(values, "values"), finite_array(baseline, "baseline")
    if ours.size != theirs.size:
        raise ValueError(f"repeats do not pair: {ours.size} values, {theirs.size} of the baseline")
    differences: list[float] = (ours - theirs).tolist()
    return differences


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return the two-sided p value of paired ``differences``, by Fisher's randomisation test.

    If the two do not differ, each difference could equally well have had the other sign. p is the fraction of all 2^n
    choices of signs whose sum is at least as far from zero as the observed sum (Fisher 1935, The design of
    experiments, section 21), so it is at least 2 / 2^n. Beyond MAX_ENUMERATED repeats, p is estimated from 2^14 - 1
    random choices, always the same, and the observed one, which keeps the test valid (Phipson & Smyth 2010,
    Permutation p-values should never be zero). The test assumes that repeats are independent and that differences are
    symmetric about zero where the two do not differ. It does not assume normality.

    Raises:
        ValueError: where there is no difference, or one is not finite.
    """
    array = finite_array(differences, "differences")
    sums = np.abs(_signs(array.size) @ array)
    return float(np.mean(sums >= abs(array.sum()) - _ROUNDING * np.abs(array).sum()))


def min_p(count: int) -> float:
    """Return the smallest p value that :func:`sign_flip_p` can give for ``count`` repeats."""
    return float(2.0 ** (1 - count)) if count <= MAX_ENUMERATED else float(2.0**-MAX_ENUMERATED)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return ``p_values``, in their order, corrected for multiple comparisons by Holm's step-down method.

    The smallest of m p values is multiplied by m, the next by m - 1 and so on; none may fall below the one before it,
    nor exceed 1 (Holm 1979, A simple sequentially rejective multiple test procedure). If those below 0.05 are called
    differences, the probability of any false difference is at most 5 %, however the comparisons depend on one another.

    Raises:
        ValueError: where a p value is not between 0 and 1.
    """
    if wrong := [p for p in p_values if not 0 <= p <= 1]:
        raise ValueError(f"p_values: expected numbers from 0 to 1, got {wrong[0]}")
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def judge_difference(difference: float, corrected_p: float, higher_is_better: bool) -> Finding:
    """Return the finding on a mean ``difference`` to the baseline: CANNOT_TELL unless ``corrected_p`` < ALPHA."""
    if not corrected_p < ALPHA:
        return Finding.CANNOT_TELL
    return Finding.BETTER if (difference > 0) == higher_is_better else Finding.WORSE


def _signs(count: int) -> NDArray[np.int64]:
    """Return choices of ``count`` signs, one in each row; the first row is all positive."""
    if count > MAX_ENUMERATED:
        bits = np.random.default_rng(0).integers(0, 2, size=(2**MAX_ENUMERATED, count))
        bits[0] = 0
    else:
        bits = np.arange(2**count)[:, np.newaxis] >> np.arange(count) & 1
    return 1 - 2 * bits
