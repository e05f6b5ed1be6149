"""Intervals for rounds nested in processes, which hold for a new process, not only for the measured ones.

The same code runs at slightly different speeds in different processes, because its memory lies elsewhere: identical
copies of a convolution differ by more than the rounds of one process show. An implementation is therefore measured in
several processes, and the processes, not the rounds, are the independent observations.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.dependence import variance_inflation
from bench.stats.interval import Interval
from bench.stats.samples import check_confidence, positive_array
from bench.stats.student import t_quantile


@dataclass(frozen=True)
class LogEstimate:
    """The logarithm of a latency or a ratio, with what Student's t interval of it needs, at any confidence."""

    log: float
    deviation: float
    """Standard deviation of the observations."""
    count: float
    """Effective number of independent observations."""
    freedom: int
    """Degrees of freedom; with 0, as of a single observation, the interval of the logarithm is infinite."""

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the latency or the ratio with its interval.

        Raises:
            ValueError: where ``confidence`` is not strictly between 0 and 1.
        """
        check_confidence(confidence)
        reach = math.inf
        if self.freedom:
            reach = t_quantile(confidence, self.freedom) * self.deviation / math.sqrt(self.count)
        return exp_interval(Interval(self.log, self.log - reach, self.log + reach, confidence))


def latency_interval(values: Sequence[float], processes: Sequence[int], confidence: float = 0.95) -> Interval:
    """Return the latency that a new process would have, with its interval, from ``values`` in ns.

    ``values`` are the mean times per call in each round, in the order measured, and ``processes`` are the processes
    that they were measured in. The logarithms of the processes' mean times give the geometric mean and Student's t
    interval. With a single process the interval is Student's t interval of its rounds, widened for their serial
    dependence, and holds for that process only.

    Coverage of the 95 % interval, by simulation (``test_coverage.py``): 94 to 96 % where processes differ by up
    to three times as much as rounds. **Too low** under a drift that outlasts a process, which only pairing cancels: 52
    to 87 % where the drift is twice the noise of a round with a lag-one correlation of 0.9.

    Raises:
        ValueError: where the lengths differ, a value is not positive and finite, or ``confidence`` is not strictly
            between 0 and 1.
    """
    array = positive_array(values, "values")
    return _nested(array, np.ones_like(array), _same_length(processes, array)).interval(confidence)


def paired_ratio(
    values: Sequence[float],
    baseline: Sequence[float],
    processes: Sequence[int],
    baseline_processes: Sequence[int],
    confidence: float = 0.95,
) -> Interval:
    """Return the ratio of ``values`` to ``baseline``: mean times per call (ns) of two implementations in shared rounds.

    Below 1, ``values`` are faster. Whatever slows both in a round cancels. Rounds are grouped into the smallest
    clusters that share no process, so that differences between processes of either implementation show as differences
    between clusters. Each cluster gives the logarithm of the ratio of the total times of its rounds, so that every call
    counts, and the clusters give their mean and Student's t interval.

    Coverage of the 95 % interval, by simulation for 4 to 30 clusters of 2 to 10 rounds (``test_coverage.py``):

    - 94 to 96 % where the processes of one or both implementations differ by up to three times as much as rounds, one
      implementation's processes being renewed only every second or fourth time; where both share drift and bursts; and
      where every 33rd call of one implementation is twice as slow.
    - Too high where the processes of both differ by the same skewed distribution (lognormal, or a quarter of them 5 %
      slower): up to 98 % with 4 clusters, 95 to 96 % with 16 or more; 93 to 95 % if one implementation's processes are
      renewed every fourth time.
    - **Too low** where one implementation's processes are skewed and the other's are not, as few clusters need not show
      the tail. Where a quarter of its processes are 5 % slower: 69 to 87 % with 4 clusters, 89 to 91 % with 8, 93 to
      94 % from 16; 94 % with any number if those of the other differ by 2 %. Where they are lognormal: 92 to 94 % at a
      skewness of 1.8, 84 to 91 % at 6.2.
    - **Too low** where rare calls are very slow, so that few of them were timed. Where one call in 300 is ten times as
      slow: 44 to 83 % if fewer than 2 are expected in all rounds, 88 to 94 % from 2 to 20, 94 to 95 % beyond.
    - **Too low** where bursts slow only one implementation and count as its own, which interleaving makes rare. Where
      10 % of the rounds are 20 % slower: singly, 84 to 93 % with 2 rounds in a cluster, 92 to 95 % with 5 or 10; in
      bursts of 3, 57 to 90 %.

    With a single process of one implementation, the other's processes are the clusters, and the interval does not hold
    for a new process of the first. With a single process of both it is Student's t interval of the rounds, widened for
    their serial dependence, and holds for these two processes only. Its coverage is 96 to 97 % for 10 to 100
    independent rounds, 92 to 94 % for a wander as large as the noise with a lag-one correlation of 0.5, 83 to 86 % for
    half of it with 0.9, and **too low** where slow calls are rare, as above.

    Raises:
        ValueError: where the lengths differ, a latency is not positive and finite, or ``confidence`` is not strictly
            between 0 and 1.
    """
    return paired_estimate(values, baseline, processes, baseline_processes).interval(confidence)


def paired_estimate(
    values: Sequence[float], baseline: Sequence[float], processes: Sequence[int], baseline_processes: Sequence[int]
) -> LogEstimate:
    """Return what :func:`paired_ratio` takes its interval from, for callers that need several confidences.

    Raises:
        ValueError: where the lengths differ, or a latency is not positive and finite.
    """
    ours, theirs = positive_array(values, "values"), positive_array(baseline, "baseline")
    if ours.size != theirs.size:
        raise ValueError(f"rounds do not pair: {ours.size} values, {theirs.size} of the baseline")
    clusters = _clusters(_same_length(processes, ours), _same_length(baseline_processes, theirs))
    return _nested(ours, theirs, clusters)


def exp_interval(logs: Interval) -> Interval:
    """Return the interval of values from ``logs``, the interval of their logarithms."""
    with np.errstate(over="ignore"):  # it overflows for two clusters at the confidence of a large table
        estimate, low, high = (float(end) for end in np.exp([logs.estimate, logs.low, logs.high]))
    return Interval(estimate, low, high, logs.confidence)


def _nested(values: NDArray[np.float64], baseline: NDArray[np.float64], clusters: NDArray[np.int64]) -> LogEstimate:
    """Return the ratio of ``values`` to ``baseline``, (n,) each, from the ratios of their totals in each cluster."""
    _, cluster = np.unique(clusters, return_inverse=True)
    totals = np.log(np.bincount(cluster, values) / np.bincount(cluster, baseline))
    if totals.size > 1:
        return LogEstimate(float(totals.mean()), float(totals.std(ddof=1)), totals.size, totals.size - 1)
    return _serial_estimate(np.log(values) - np.log(baseline), float(totals[0]))


def _serial_estimate(logs: NDArray[np.float64], estimate: float) -> LogEstimate:
    """Return ``estimate`` with the spread of ``logs`` (n,), which are in the order measured.

    n is divided by the variance inflation that serial dependence causes, as estimated from signs and ranks.
    """
    if logs.size < 2:
        return LogEstimate(estimate, math.nan, logs.size, 0)
    effective = logs.size / variance_inflation(logs)
    return LogEstimate(estimate, float(logs.std(ddof=1)), effective, max(1, math.floor(effective) - 1))


def _clusters(processes: NDArray[np.int64], baseline_processes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of each round's cluster, (n,); rounds of different clusters share no process.

    Where processes connect all rounds, as when one implementation has a single process, there is one cluster and no
    spread to see. The clusters are then the processes of the implementation that has more of them.
    """
    clusters = processes
    while (
        joined := _group_minimum(_group_minimum(clusters, baseline_processes), processes)
    ).tolist() != clusters.tolist():
        clusters = joined
    if (clusters == clusters[0]).all():
        return max(processes, baseline_processes, key=lambda numbers: np.unique(numbers).size)
    return clusters


def _group_minimum(values: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return ``values`` (n,) with each replaced by the least value of its group."""
    _, group = np.unique(groups, return_inverse=True)
    least = np.full(group.max() + 1, values.max())
    np.minimum.at(least, group, values)
    return least[group]


def _same_length(processes: Sequence[int], values: NDArray[np.float64]) -> NDArray[np.int64]:
    array = np.asarray(processes, dtype=np.int64)
    if array.shape != values.shape:
        raise ValueError(f"processes: expected one for each of {values.size} values, got {array.size}")
    return array
