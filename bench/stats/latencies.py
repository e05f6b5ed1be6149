"""Latencies and ratios from stored rounds: of one implementation, of two in one session, and of two runs."""

import math
from collections.abc import Sequence
from statistics import fmean, variance

from bench.core.record import Latency, undisturbed
from bench.stats.interval import Interval
from bench.stats.nested import LogEstimate, latency_interval, paired_estimate
from bench.stats.ratios import unpaired_ratio


def estimate(
    means: Sequence[float], processes: Sequence[int], disturbed: Sequence[int] | None = None, confidence: float = 0.95
) -> Interval:
    """Return the latency of a new process (ns), from each round's mean time per call; see ``latency_interval``."""
    kept = undisturbed(len(means), disturbed or ())
    return latency_interval([means[i] for i in kept], [processes[i] for i in kept], confidence)


def storable_ends(interval: Interval, means: Sequence[float]) -> tuple[float, float]:
    """Return the low and high end of an interval as they can be stored, positive and finite.

    An end that is infinite or not positive, as with a single round, is replaced by the least or the greatest of
    ``means``, the mean times of the rounds (ns), and of the estimate, which rounding may put beyond them.
    """
    low = interval.low if 0 < interval.low < math.inf else min(*means, interval.estimate)
    high = interval.high if 0 < interval.high < math.inf else max(*means, interval.estimate)
    return low, high


def session_ratio(latency: Latency, baseline: Latency, confidence: float = 0.95) -> Interval | None:
    """Return the ratio of two latencies of one session, from the rounds in which both were measured.

    Rounds in which either was disturbed are left out if they are a minority of the shared rounds. Each latency's own
    minority is not used: of two implementations that are alike, one could lose its slow rounds and the other keep them.
    The ratio is None where no round is shared.
    """
    estimate = session_estimate(latency, baseline)
    return estimate.interval(confidence) if estimate else None


def session_estimate(latency: Latency, baseline: Latency) -> LogEstimate | None:
    """Return what :func:`session_ratio` takes its interval from; None where no round is shared."""
    baseline_index = {number: index for index, number in enumerate(baseline.numbers)}
    pairs = [
        (index, baseline_index[number]) for index, number in enumerate(latency.numbers) if number in baseline_index
    ]
    ours_disturbed, theirs_disturbed = set(latency.disturbed or ()), set(baseline.disturbed or ())
    disturbed = [
        index for index, (our, their) in enumerate(pairs) if our in ours_disturbed or their in theirs_disturbed
    ]
    pairs = [pairs[index] for index in undisturbed(len(pairs), disturbed)]
    if not pairs:
        return None
    ours, theirs = latency.means(), baseline.means()
    return paired_estimate(
        [ours[our] for our, _ in pairs],
        [theirs[their] for _, their in pairs],
        [latency.processes[our] for our, _ in pairs],
        [baseline.processes[their] for _, their in pairs],
    )


def ratio_of_runs(latency: Latency, baseline: Latency, confidence: float = 0.95) -> Interval:
    """Return the ratio of two latencies that were not measured together; see ``unpaired_ratio``."""
    (ours, our_processes), (theirs, their_processes) = _undisturbed_rounds(latency), _undisturbed_rounds(baseline)
    return unpaired_ratio(ours, theirs, our_processes, their_processes, confidence)


def process_count(latency: Latency) -> int:
    """Return the number of processes that ``latency`` was measured in."""
    return len(set(latency.processes))


def between_process_std(latency: Latency) -> float:
    """Return the standard deviation of the latency from process to process, as a fraction.

    The variance that comes from the rounds within a process is subtracted. The result is 0 where nothing is left, with
    a single process, and where every process has a single round.
    """
    means = latency.means()
    logs: dict[int, list[float]] = {}
    for index in latency.undisturbed:
        logs.setdefault(latency.processes[index], []).append(math.log(means[index]))
    repeated = [values for values in logs.values() if len(values) > 1]
    if len(logs) < 2 or not repeated:
        return 0.0
    within = fmean(variance(values) for values in repeated)
    between = variance([fmean(values) for values in logs.values()]) - within / fmean(map(len, logs.values()))
    return math.sqrt(max(0.0, between))


def _undisturbed_rounds(latency: Latency) -> tuple[list[float], list[int]]:
    """Return the means (ns) and the processes of the undisturbed rounds."""
    means = latency.means()
    return [means[index] for index in latency.undisturbed], [latency.processes[index] for index in latency.undisturbed]
