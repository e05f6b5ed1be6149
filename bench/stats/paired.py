"""How much slower or faster than a baseline: ratios of latencies."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.stats.interval import Interval, median_interval
from bench.stats.repeats import mean_interval
from bench.stats.samples import check_confidence, positive_array


def paired_ratio(values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the ratio of ``values`` to ``baseline``, latencies (ns) of two implementations in the same rounds.

    The ratio is exp(median of log(values / baseline)) over rounds, below 1 where ``values`` are faster, and its
    interval is that of :func:`median_interval` on the log-ratios: what slows both in a round (drift, a noisy
    neighbour) cancels. low is 0 and high infinite where the rounds are too few for the confidence.

    Coverage of the 95 % interval, by the same simulations: 96 to 97 % whatever drift or bursts both share; 94 to
    97.5 % from 20 rounds (92 to 97 % at 10) where bursts of 2 to 5 in 5 to 10 % of the rounds, or of 3 in 20 % of them,
    hit one only, hit both unequally, or each at its own times. **Too low** where 20 % of the rounds of one are slow in
    bursts of 5: 90 (10 rounds) to 94 %; and where one feels a wander, twice the noise, only half as much: 82 to 88 %.

    Order statistics rather than a bootstrap: they are deterministic and exact, and they hold for the very small
    error probabilities that a correction for many comparisons leads to, where the percentile bootstrap of a median,
    which can only return values that occurred, is too narrow and says nothing when the rounds are too few.

    Raises ValueError where the lengths differ, a latency is not positive and finite, or ``confidence`` is not strictly
    between 0 and 1.
    """
    ours, theirs = positive_array(values, "values"), positive_array(baseline, "baseline")
    if ours.size != theirs.size:
        raise ValueError(f"rounds do not pair: {ours.size} values, {theirs.size} of the baseline")
    logs = _median_of(np.log(ours) - np.log(theirs), confidence)
    return Interval(math.exp(logs.estimate), math.exp(logs.low), math.exp(logs.high), confidence)


def unpaired_ratio(values: Sequence[float], baseline: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the ratio of the medians of two different runs, whose rounds do not pair; latencies in ns.

    Each median gets its own interval with half of the error probability (at 97.5 % for 95 %), and the ratio lies
    between the extreme quotients: if both intervals hold, which by Bonferroni's inequality they do with at least
    ``confidence``, so does this one. It is conservative, about 1.6 times as wide as needed for two like runs, and
    blind to what differed between the runs but not within one, such as another clock governor.

    The lengths may differ. Raises ValueError where a latency is not positive and finite, or ``confidence`` is not
    strictly between 0 and 1.
    """
    check_confidence(confidence)
    each = (1 + confidence) / 2
    ours = _median_of(np.log(positive_array(values, "values")), each)
    theirs = _median_of(np.log(positive_array(baseline, "baseline")), each)
    return Interval(
        math.exp(ours.estimate - theirs.estimate),
        math.exp(ours.low - theirs.high),
        math.exp(ours.high - theirs.low),
        confidence,
    )


def mean_ratio(ratios: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the geometric mean of ``ratios`` found in independent repeats, such as trainings with other seeds.

    Its interval is Student's t interval of the logarithms, :func:`mean_interval`; for a single ratio it is (0, inf).
    What all repeats have alike is not in it: repeats in one process share where that process's memory happens to lie.

    Raises ValueError where there is none, one is not positive and finite, or ``confidence`` is not strictly between 0
    and 1.
    """
    logs = mean_interval(np.log(positive_array(ratios, "ratios")).tolist(), confidence)
    return Interval(math.exp(logs.estimate), math.exp(logs.low), math.exp(logs.high), confidence)


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean of ``ratios`` (no unit): the one mean whose ranking no choice of baseline changes.

    (Fleming & Wallace 1986, How not to lie with statistics.) Raises ValueError where there is none, or one is not
    positive and finite.
    """
    return math.exp(float(np.log(positive_array(ratios, "ratios")).mean()))


def _median_of(logs: NDArray[np.float64], confidence: float) -> Interval:
    return median_interval(logs.tolist(), confidence)
