"""The median of a run's rounds, and how sure it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bench.stats.dependence import variance_inflation
from bench.stats.samples import check_confidence, finite_array

FEW = 10
"""Values from which even the extremes need not be an interval's end, see ``_beyond_the_extremes``."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval; all but ``confidence`` in the unit of the values it came from."""

    estimate: float
    low: float
    high: float
    confidence: float

    @property
    def half_width(self) -> float:
        """Half the interval's width relative to the estimate (0.01 is +-1 %); infinite where either has no meaning."""
        if self.estimate == 0:
            return math.inf
        return (self.high - self.low) / 2 / abs(self.estimate)


def median_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the median of ``values`` with a distribution-free confidence interval.

    ``values`` are rounds in the order measured, in any unit (ns for latencies), which the result keeps. Between two
    order statistics the interval is interpolated (Hettmansperger & Sheather 1986, Confidence intervals based on
    interpolated order statistics), so that coverage stays near ``confidence`` where n is small, whatever the
    distribution. The normal quantile that stands for ``confidence`` is first widened by the square root of the
    variance inflation that serial dependence causes (``dependence.py``); for independent rounds it is often exactly 1.

    Where n is too small for the confidence (below 6 independent values for 95 %, more where they depend on one another
    or the confidence is that of a large table) the interval is (-inf, inf) for n < 10, and else reaches beyond the
    extremes, by normal quantiles. At n = 10 chance alone looks like such a dependence in one experiment in
    seven, at n = 20 in one in a hundred.

    Coverage of the 95 % interval, by simulation for n from 10 to 100 with noise of 2 % a round (test_coverage.py):

    - independent rounds, normal or lognormal: 96 to 97 %.
    - 5 to 10 % of the rounds 10 to 30 % slower in bursts of 2 to 5, or 20 % of them 5 to 10 % slower in bursts of 3; a
      wander as large as the noise with a lag-one correlation of 0.5: 94 to 97 % from n = 20, 92 to 97 % at n = 10.
    - **Too low**, as so few rounds cannot show so long a memory: 20 % of the rounds slow in bursts of 5: 90 (n = 10) to
      93 %, in bursts of 8: 85 to 90 %. A wander half the noise with a lag-one correlation of 0.8: 91 to 93 %, 0.9: 85
      to 89 %, 0.95: 79 to 86 %; as large as the noise with 0.8: 84 to 93 %. A sine of a period of 40 to 200 rounds:
      71 to 83 % up to n = 60.
    - Too high: a sine of which the experiment holds several periods, up to 99 %.

    Of the intervals that reach beyond the extremes, for independent rounds, normal, lognormal or Student's t with 3
    degrees of freedom: at 99.9 % 0.03 to 0.11 % miss, at 99.99 % 0.04 to 0.05 % at n = 10 and 0 to 0.01 % from n = 20.
    A wander as large as the noise makes the very high confidences of large tables too high still: with a lag-one
    correlation of 0.5, 0.06 to 0.2 % miss in place of 0.01 %, with 0.8, 0.7 to 1.5 %.

    Drift and bursts that hit two implementations alike cancel in :func:`bench.stats.paired.paired_ratio`.

    Raises ValueError where ``values`` is empty or not finite, or ``confidence`` is not strictly between 0 and 1.
    """
    check_confidence(confidence)
    array = finite_array(values, "values")
    low, high = _order_statistics(np.sort(array), _tail(confidence, variance_inflation(array)))
    return Interval(float(np.median(array)), low, high, confidence)


def _tail(confidence: float, inflation: float) -> float:
    """Return the probability to leave on each side, as though the rounds were independent."""
    tail = (1 - confidence) / 2
    if inflation == 1:
        return tail
    quantile = -NormalDist().inv_cdf(tail) * math.sqrt(inflation)
    return math.erfc(quantile / math.sqrt(2)) / 2  # NormalDist.cdf would round small tails to zero


def _order_statistics(ordered: NDArray[np.float64], tail: float) -> tuple[float, float]:
    """Return the interpolated interval of the median that leaves ``tail`` on each side; ``ordered`` ascends."""
    count = ordered.size
    # tails[k]: the chance that at most k of n values lie below the median, Binomial(n, 1/2), for k < n / 2. The
    # interval from the (k + 1)th smallest to the (k + 1)th largest value misses it on one side just as often.
    # Logarithms, as 2**-n underflows.
    drawn = np.arange(1, (count + 1) // 2)
    steps = np.log((count - drawn + 1) / drawn)
    tails = np.cumsum(np.exp(np.concatenate([[0.0], np.cumsum(steps)]) - count * math.log(2)))
    depth = int(np.searchsorted(tails, tail, "right"))  # the shortest of them that is sure enough, counted from 1
    if depth == 0:
        return _beyond_the_extremes(ordered, tail)
    if depth == tails.size:  # no shorter one to interpolate with
        return float(ordered[depth - 1]), float(ordered[count - depth])
    share = (tail - tails[depth - 1]) / (tails[depth] - tails[depth - 1])
    weight = (count - depth) * share / (depth + (count - 2 * depth) * share)
    low = (1 - weight) * ordered[depth - 1] + weight * ordered[depth]
    high = (1 - weight) * ordered[count - depth] + weight * ordered[count - depth - 1]
    return float(low), float(high)


def _beyond_the_extremes(ordered: NDArray[np.float64], tail: float) -> tuple[float, float]:
    """Return the interval for a ``tail`` that is smaller than any that the extremes leave.

    It is the extremes' interval, stretched from the median as far as the normal quantile of ``tail`` lies beyond that
    of the extremes. This is the only place where a distribution is assumed: that it is no longer in the tails, beyond
    what was seen, than a normal one of this width. Fewer than FEW values do not show their width.
    """
    count = ordered.size
    if count < FEW or tail == 0:
        return -math.inf, math.inf
    reach = NormalDist().inv_cdf(tail) / NormalDist().inv_cdf(2.0**-count)
    median = float(np.median(ordered))
    return median - reach * (median - float(ordered[0])), median + reach * (float(ordered[-1]) - median)
