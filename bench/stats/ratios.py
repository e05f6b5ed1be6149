"""Ratios of latencies that were not measured in the same rounds, and means of ratios.

Ratios within a session, from rounds that pair, are in ``nested.py``.
"""

import math
from collections.abc import Sequence

import numpy as np

from bench.stats.interval import Interval
from bench.stats.nested import exp_interval, latency_interval
from bench.stats.repeats import mean_interval
from bench.stats.samples import check_confidence, positive_array
from bench.stats.sums import weighted_sum


def unpaired_ratio(
    values: Sequence[float],
    baseline: Sequence[float],
    processes: Sequence[int],
    baseline_processes: Sequence[int],
    confidence: float = 0.95,
) -> Interval:
    """Return the ratio of the latencies of two runs, whose rounds do not pair, from mean times per call in ns.

    Each latency gets the interval of :func:`bench.stats.nested.latency_interval` with half of the error probability
    (at 97.5 % for 95 %), and the ratio lies between the extreme quotients. By Bonferroni's inequality both intervals
    hold with a probability of at least ``confidence``, and then the ratio's interval holds too. It is conservative,
    about 1.6 times as wide as needed for two like runs, and blind to what differed between the runs but not within one,
    such as another clock governor.

    ``values`` and ``baseline`` may have different lengths.

    Raises:
        ValueError: where a latency is not positive and finite, or ``confidence`` is not strictly between 0 and 1.
    """
    check_confidence(confidence)
    corrected_confidence = (1 + confidence) / 2
    ours = latency_interval(values, processes, corrected_confidence)
    theirs = latency_interval(baseline, baseline_processes, corrected_confidence)
    estimate = ours.estimate / theirs.estimate
    return Interval(estimate, _quotient(ours.low, theirs.high), _quotient(ours.high, theirs.low), confidence)


def mean_over_repeats(ratios: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the geometric mean of ``ratios`` from independent repeats, such as trainings with other seeds.

    Its interval is Student's t interval of the logarithms, :func:`mean_interval`; for a single ratio it is (0, inf).
    It does not cover what all repeats share: repeats in one process share that process's memory layout.

    Raises:
        ValueError: where there is no ratio, one is not positive and finite, or ``confidence`` is not strictly between
            0 and 1.
    """
    return exp_interval(mean_interval(np.log(positive_array(ratios, "ratios")).tolist(), confidence))


def mean_over_cases(ratios: Sequence[Interval]) -> Interval:
    """Return the geometric mean of the ratios of several cases, with an interval that follows from theirs.

    It is the only mean whose ranking does not depend on the choice of baseline (Fleming & Wallace 1986, How not to lie
    with statistics).

    The ratios must be independent, as those from different sessions are. The interval is about the mean over these very
    cases: it says nothing of other cases, however much the ratios differ. On the scale of logarithms, the distance of
    each end of it from the mean is the root of the sum of the squared distances in the intervals of the cases, divided
    by their number (method of variance estimates recovery: Zou & Donner 2008, Construction of confidence limits about
    effect measures: a general approach). It is conservative where the intervals have few degrees of freedom, since the
    mean of several has more: about 1.6 times as wide as needed for cases of 4 processes each, 1.1 times for 12.

    Raises:
        ValueError: where there is no ratio, an estimate is not positive and finite, or the confidences differ.
    """
    positive_array([ratio.estimate for ratio in ratios], "ratios")
    logs = [Interval(math.log(ratio.estimate), _log(ratio.low), _log(ratio.high), ratio.confidence) for ratio in ratios]
    return exp_interval(weighted_sum(logs, [1 / len(logs)] * len(logs)))


def _log(end: float) -> float:
    """Return the logarithm of an end of an interval; -infinity for 0."""
    return -math.inf if end == 0 else math.log(end)


def _quotient(numerator: float, denominator: float) -> float:
    """Return the quotient of two ends of intervals, each from 0 to infinity."""
    if denominator == 0:
        return math.inf
    return 0.0 if math.isinf(denominator) else numerator / denominator
