"""Cells of times: latencies, speed-ups, steps from one value of a parameter to the next, and crossovers."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from statistics import geometric_mean

from bench.claims.cells import CellResult, cell_without, keys, sweeps
from bench.claims.machines import NewestRecords
from bench.core.case import DEFAULTS, Case
from bench.core.record import Key, Latency
from bench.report.compare import ONE_PROCESS, cautions, ratio_at
from bench.report.query import Query
from bench.stats.interval import Interval
from bench.stats.latencies import estimate, process_count


def latency_cells(query: Query, records: NewestRecords) -> Iterator[CellResult]:
    """Yield the latency of each implementation on each case."""
    for implementation in query.impl:
        for key in keys(query, implementation):
            label, match = f"{implementation}, {key.case or DEFAULTS}", records.newest(key)
            if match and (latency := match.record.latency):
                remarks = (ONE_PROCESS,) if process_count(latency) == 1 else ()
                at = partial(_latency_at, latency)
                yield CellResult(label, (match,), at, compared=(implementation,), cautions=remarks)
            else:
                yield cell_without(label, [match] if match else [], (implementation,))


def _latency_at(latency: Latency, confidence: float) -> Interval:
    return estimate(latency.means(), latency.processes, latency.disturbed, confidence)


def speedup_cells(query: Query, baselines: Sequence[str], records: NewestRecords) -> Iterator[CellResult]:
    """Yield the speed-up of each implementation over each baseline on each case."""
    for ours, baseline in _compared(query, baselines):
        for key in keys(query, ours):
            yield _speedup(key, key._replace(implementation=baseline), records)


def step_cells(query: Query, sweep: str, records: NewestRecords) -> Iterator[CellResult]:
    """Yield latency at the next value of a parameter / latency at a value of it, for each step."""
    for implementation in query.impl:
        for cases in sweeps(query.cases(), sweep):
            for before, after in pairwise(cases):
                values = " to ".join(case.texts()[sweep] for case in (before, after))
                label = f"{implementation}, {before.slug}, {sweep} {values}"
                first, second = (_key(query, implementation, case) for case in (before, after))
                # Cases are measured one after the other, so rounds never pair.
                yield _ratio(label, second, first, records, (implementation,))


def crossover_cells(query: Query, baselines: Sequence[str], sweep: str, records: NewestRecords) -> Iterator[CellResult]:
    """Yield the value of the parameter from which on the speed-up exceeds 1, for each sweep of it."""
    for ours, baseline in _compared(query, baselines):
        for cases in sweeps(query.cases(), sweep):
            keyed = [(float(case.texts()[sweep]), _key(query, ours, case)) for case in cases]
            steps = [(value, _speedup(key, key._replace(implementation=baseline), records)) for value, key in keyed]
            label = f"{ours} over {baseline}, {cases[0].slug}, sweep of {sweep}"
            matches = tuple(match for _, cell in steps for match in cell.matches)
            remarks = tuple(dict.fromkeys(remark for _, cell in steps for remark in cell.cautions))
            if missing := next((cell for _, cell in steps if cell.at is None), None):
                yield CellResult(label, matches, None, missing.reason, missing.unsupported, missing.compared)
            else:
                at = partial(_crossover_at, steps)
                yield CellResult(label, matches, at, compared=(ours, baseline), cautions=remarks)


def _compared(query: Query, baselines: Sequence[str]) -> list[tuple[str, str]]:
    return [(ours, baseline) for ours in query.impl for baseline in baselines if ours != baseline]


def _key(query: Query, implementation: str, case: Case) -> Key:
    return Key(query.workload, implementation, case.slug, query.target)


def _speedup(ours: Key, baseline: Key, records: NewestRecords) -> CellResult:
    compared = (ours.implementation, baseline.implementation)
    return _ratio(f"{' over '.join(compared)}, {ours.case or DEFAULTS}", baseline, ours, records, compared)


def _ratio(
    label: str, numerator: Key, denominator: Key, records: NewestRecords, compared: tuple[str, ...]
) -> CellResult:
    """Return the cell of the ratio of two latencies, which must be of one run."""
    pair = records.together(numerator, denominator)
    if pair is None:
        known = {key: match for key in (numerator, denominator) if (match := records.newest(key))}
        missing = [key for key in (numerator, denominator) if key not in known]
        reason = f"no record of {missing[0].implementation}, {missing[0].case}" if missing else "no run has both"
        return cell_without(label, known.values(), compared, reason) if known else cell_without(label, (), compared)
    above, below = (match.record for match in pair)
    if above.latency is None or below.latency is None:
        return cell_without(label, pair, compared)
    return CellResult(label, pair, ratio_at(above, below), compared=compared, cautions=cautions(above, below))


def _crossover_at(steps: Sequence[tuple[float, CellResult]], confidence: float) -> Interval:
    """Return the interval of the crossover.

    Its low end is the largest value whose speed-up is surely below 1; its high end is the first value from which on all
    speed-ups are surely above 1. Where there is no such value, the end is open: 0 or infinity. The speed-ups have
    intervals that are Bonferroni-corrected for the number of values.
    """
    each = 1 - (1 - confidence) / len(steps)
    intervals = [(value, cell.at(each)) for value, cell in steps if cell.at]
    low = max((value for value, interval in intervals if interval.high < 1), default=0.0)
    high = math.inf
    for value, interval in reversed(intervals):
        if interval.low <= 1:
            break
        high = value
    ends = [end for end in (low, high) if 0 < end < math.inf]
    return Interval(geometric_mean(ends or [value for value, _ in intervals]), low, high, confidence)
