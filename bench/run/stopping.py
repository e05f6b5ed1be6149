"""Decides when a session has been measured long enough, and how its next rounds are best spent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from bench.core.record import Latency
from bench.run.attempt import Attempt
from bench.stats.latencies import process_count, session_ratio

MIN_PROCESSES = 4
"""The least number of processes in which an implementation is timed, where it can be restarted."""
MIN_PROCESSES_TO_STOP, MIN_ROUNDS_TO_STOP = 12, 60
"""Number of processes, or of rounds in a single process, before the stopping rule is first applied: early intervals can
be narrow by chance."""
MIN_ROUNDS_PER_PROCESS = 4
"""The least number of rounds in a process."""
STOPPING_CONFIDENCE = 0.999
"""Confidence required to call a ratio clearly different from 1, since the rule is applied many times."""


@dataclass(frozen=True)
class Precision:
    """The stopping rule.

    Each latency must be known to within ``latency`` of itself on either side, and each ratio to the reference to within
    ``ratio``. A ratio that certainly differs from 1 by more than ``clear_ratio`` needs only that precision.
    """

    latency: float = 0.03
    ratio: float = 0.01
    clear_ratio: float = 0.05

    def reached(self, latencies: Sequence[Latency], reference: Latency) -> bool:
        return all(map(_has_enough_data, latencies)) and all(
            self._is_known(each) and (each is reference or self._ratio_is_known(each, reference)) for each in latencies
        )

    def _is_known(self, latency: Latency) -> bool:
        return (latency.high - latency.low) / 2 <= self.latency * latency.estimate

    def _ratio_is_known(self, latency: Latency, reference: Latency) -> bool:
        ratio, strict = session_ratio(latency, reference), session_ratio(latency, reference, STOPPING_CONFIDENCE)
        if ratio is None or strict is None:
            return False
        far = strict.high < 1 / (1 + self.clear_ratio) or strict.low > 1 + self.clear_ratio
        return ratio.half_width <= (self.clear_ratio if far else self.ratio)


def _has_enough_data(latency: Latency) -> bool:
    """Whether it was measured in enough processes or, where it has only one, in enough rounds."""
    processes = process_count(latency)
    return processes >= MIN_PROCESSES_TO_STOP or (processes == 1 and len(latency.rounds) >= MIN_ROUNDS_TO_STOP)


def rounds_per_process(attempts: Sequence[Attempt], least: int = MIN_ROUNDS_PER_PROCESS, most: int = 40) -> int:
    """Return how many rounds to spend on each process, so that a given time makes the intervals narrowest.

    With a cost of c for a process and d for a round, and variances P between processes and R between rounds, the best
    number of rounds is sqrt(c / d * R / P) (Cochran 1977, Sampling techniques, section 10.6).
    """
    wanted = [_best_rounds(attempt) for attempt in attempts if attempt.restartable]
    return min(most, max(least, round(median(wanted)))) if wanted else least


def _best_rounds(attempt: Attempt) -> float:
    logs = [
        [math.log(fmean(reply["samples"])) for reply in process.rounds]
        for process in attempt.processes
        if len(process.rounds) > 1
    ]
    if len(logs) < 2 or not attempt.round_s:
        return MIN_ROUNDS_PER_PROCESS
    within = fmean(float(np.var(process_logs, ddof=1)) for process_logs in logs)
    spread = float(np.var([fmean(process_logs) for process_logs in logs], ddof=1))
    between = max(spread - within / fmean(map(len, logs)), 0.01 * within)
    return math.sqrt(attempt.startup_s / attempt.round_s * within / between)
