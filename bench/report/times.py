"""Times of implementations in cases where no ratio can be given, and of repeats together."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.core.record import Key, Latency, Record
from bench.report.compare import CONFIDENCE, Comparison, experiment
from bench.stats.interval import Interval
from bench.stats.nested import latency_interval
from bench.store import Run


@dataclass(frozen=True)
class Time:
    """The time of an implementation on one case or on repeats of an experiment, which is compared with nothing."""

    workload: str
    implementation: str
    case: str
    """The case; for several repeats, what their cases have in common."""
    target: str
    cases: tuple[str, ...]
    """The cases that the time comes from."""
    latency: Interval
    """ns, with its 95 % interval."""


def times_without_ratio(run: Run, rows: Sequence[Comparison]) -> list[Time]:
    """Return the times of the implementations that passed, in the cases in which no implementation has a ratio.

    Args:
        run: the run.
        rows: all comparisons of the run with its baselines.
    """
    compared = {(row.workload, row.target, case) for row in rows if row.ratio for case in row.cases}
    repeats: dict[Key, list[Record]] = {}
    for record in run.records:
        repeats.setdefault(experiment(record), []).append(record)
    return [
        time
        for key, records in repeats.items()
        if not any((record.workload, record.target, record.case) in compared for record in records)
        if (time := _time(key, records))
    ]


def joint_latency(latencies: Sequence[Latency]) -> Interval:
    """Return the latency of a case (ns) with its 95 % interval; of several repeats, their geometric mean."""
    if len(latencies) == 1:
        latency = latencies[0]
        return Interval(latency.estimate, latency.low, latency.high, CONFIDENCE)
    return latency_interval([latency.estimate for latency in latencies], range(len(latencies)), CONFIDENCE)


def _time(key: Key, repeats: Sequence[Record]) -> Time | None:
    """Return the time of the repeats that passed; None where none did."""
    latencies = {record.case: record.latency for record in repeats if record.latency}
    if not latencies:
        return None
    return Time(
        workload=key.workload,
        implementation=key.implementation,
        case=repeats[0].case if len(repeats) == 1 else key.case,
        target=key.target,
        cases=tuple(latencies),
        latency=joint_latency(list(latencies.values())),
    )
