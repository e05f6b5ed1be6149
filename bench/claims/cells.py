"""The cells that a claim ranges over: what was measured for one case, with its interval at any confidence."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from bench.claims.model import Measure
from bench.core import registry
from bench.core.case import Case, parameter_text
from bench.core.record import Latency, Record, Status
from bench.report.compare import seed_parameter
from bench.report.query import Match, Query, case_texts
from bench.stats.interval import Interval
from bench.stats.latencies import estimate, ratio_of_runs, session_ratio
from bench.stats.repeats import mean_interval, median_interval
from bench.store import Run

LATENCY, SPEEDUP = "latency", "speedup"

At = Callable[[float], Interval]
"""Returns an interval at a confidence, in the base unit of its quantity."""


class Count(NamedTuple):
    """A count that follows from a case by formula."""

    unit: str
    value: Callable[[Case], float]


class Total(NamedTuple):
    """Numbers that follow by formula from no case, such as the parameters of whole networks."""

    unit: str
    values: Callable[[], Mapping[str, float]]
    """Returns them by name."""


Counts = Mapping[str, Count | Total]
"""What a recipe defines for claims to refer to, by name."""


@dataclass(frozen=True)
class MeasuredCell:
    """What was measured in one cell, or why nothing was."""

    label: str
    matches: tuple[Match, ...]
    """The records that it comes from."""
    at: At | None
    reason: str = ""
    """Why there is no interval."""
    unsupported: bool = False
    """Whether there is none because an implementation does not support the case."""


def counts_of(workload: str | None, others: Counts) -> Counts:
    """Return the counts that claims may refer to: a workload's by case, or without one the totals of ``others``."""
    if workload is None:
        return {name: count for name, count in others.items() if isinstance(count, Total)}
    known = registry.workload(workload)

    def work(name: str, case: Case) -> float:
        value = known.work(case)
        if value is None:
            raise ValueError(f"{workload} has no work by formula: it depends on the model")
        return float(getattr(value, name))

    return {
        "macs": Count("MACs", partial(work, "macs")),
        "parameters": Count("parameters", partial(work, "parameters")),
        **{name: count for name, count in others.items() if isinstance(count, Count)},
    }


def counted_cells(query: Query | None, count: Count | Total) -> list[MeasuredCell]:
    """Return a cell for each case of the query, or each number of a total, by formula; its interval is a point."""
    if isinstance(count, Total):
        values = dict(count.values())
    else:
        values = {case.slug: count.value(case) for case in query.cases()} if query else {}
    return [MeasuredCell(name, (), partial(_point, value)) for name, value in values.items()]


def measured_cells(query: Query, measure: Measure, runs: Sequence[Run]) -> list[MeasuredCell]:
    """Return a cell for each thing that the query and the measure describe in the records of ``runs``."""
    wide = query.model_copy(update={"impl": (*query.impl, *measure.against)}) if query.impl else query
    everything = wide.select(runs)
    matches = [match for match in everything if not query.impl or match.record.implementation in query.impl]
    if measure.quantity == SPEEDUP:
        partners = {_place(match): match for match in everything}
        speedups = list(_speedups(matches, partners, measure.against))
        return list(_crossovers(speedups, measure.along)) if measure.along else [cell for _, _, cell in speedups]
    if measure.quantity == LATENCY:
        return list(_steps(matches, measure.along) if measure.along else map(_latency_cell, matches))
    return list(_metric_cells(matches, everything, measure))


class _Place(NamedTuple):
    """Where a record stands: everything but its implementation is what two compared records share."""

    run: str
    implementation: str
    case: str


def _place(match: Match) -> _Place:
    return _Place(match.run.name, match.record.implementation, match.record.case)


def _latency_cell(match: Match) -> MeasuredCell:
    return _cell((match,), _label(match), partial(_latency_at, match.record.latency) if match.record.latency else None)


def _latency_at(latency: Latency, confidence: float) -> Interval:
    return estimate(latency.means(), latency.processes, latency.disturbed, confidence)


def _speedups(
    matches: Iterable[Match], partners: Mapping[_Place, Match], against: Sequence[str]
) -> Iterator[tuple[Match, str, MeasuredCell]]:
    """Yield each match, what it is compared with, and the cell of its speed-up."""
    for match in matches:
        for other_name in against:
            if other_name == match.record.implementation:
                continue
            other = partners.get(_place(match)._replace(implementation=other_name))
            label = f"{_label(match)} against {other_name}"
            if other is None:
                yield match, other_name, MeasuredCell(label, (match,), None, f"no record of {other_name}")
                continue
            at = _speedup_at(match.record, other.record)
            yield match, other_name, _cell((match, other), label, at)


def _speedup_at(record: Record, other: Record) -> At | None:
    ours, theirs = record.latency, other.latency
    if ours is None or theirs is None:
        return None

    def at(confidence: float) -> Interval:
        paired = session_ratio(ours, theirs, confidence) if record.session == other.session else None
        ratio = paired or ratio_of_runs(ours, theirs, confidence)
        high = 1 / ratio.low if ratio.low > 0 else math.inf
        return Interval(1 / ratio.estimate, 1 / ratio.high, high, confidence)

    return at


def _steps(matches: Sequence[Match], along: str) -> Iterator[MeasuredCell]:
    """Yield a cell for each step of the parameter: latency at its next value / latency at a value."""
    for group in _sweeps(matches, along):
        for before, after in pairwise(group):
            values = " to ".join(case_texts(match.record)[along] for match in (before, after))
            label = f"{_label(before)}, {along} {values}"
            first, second = before.record.latency, after.record.latency
            at = partial(ratio_of_runs, second, first) if first and second else None
            yield _cell((before, after), label, at)


def _crossovers(speedups: Sequence[tuple[Match, str, MeasuredCell]], along: str) -> Iterator[MeasuredCell]:
    """Yield the value of the parameter from which on the speed-up exceeds 1, for each sweep of it."""
    by_name: dict[str, dict[_Place, MeasuredCell]] = {}
    matches: dict[str, list[Match]] = {}
    for match, against, cell in speedups:
        by_name.setdefault(against, {})[_place(match)] = cell
        matches.setdefault(against, []).append(match)
    for against, cells in by_name.items():
        for group in _sweeps(matches[against], along):
            steps = [(float(case_texts(match.record)[along]), cells[_place(match)]) for match in group]
            label = f"{_label(group[0])} against {against}, along {along}"
            records = tuple(match for _, cell in steps for match in cell.matches)
            complete = all(cell.at for _, cell in steps)
            yield _cell(records, label, partial(_crossover_at, steps) if complete else None)


def _crossover_at(steps: Sequence[tuple[float, MeasuredCell]], confidence: float) -> Interval:
    """Return where the speed-up crosses 1: between the last value surely below, and the first of those surely above.

    Intervals are widened for the number of values. Where it is surely below nowhere, the low end is the least value.
    """
    each = 1 - (1 - confidence) / len(steps)
    intervals = [(value, cell.at(each)) for value, cell in steps if cell.at]
    below = [value for value, interval in intervals if interval.high < 1]
    above = math.inf
    for value, interval in reversed(intervals):
        if interval.low <= 1:
            break
        above = value
    low = max(below, default=intervals[0][0])
    return Interval(math.sqrt(low * above), low, above, confidence)


def _sweeps(matches: Iterable[Match], along: str) -> list[list[Match]]:
    """Return the matches of each run and implementation that differ only in a parameter, in its order."""
    groups: dict[object, list[Match]] = {}
    for match in matches:
        others = {name: parameter_text(value) for name, value in match.record.parameters.items() if name != along}
        key = (match.run.name, match.record.implementation, tuple(others.items()))
        groups.setdefault(key, []).append(match)
    return [sorted(group, key=lambda match: float(case_texts(match.record)[along])) for group in groups.values()]


def _metric_cells(matches: Sequence[Match], everything: Sequence[Match], measure: Measure) -> Iterator[MeasuredCell]:
    """Yield a cell for each experiment: a metric over its seeds, or its difference to another implementation's."""
    ours, others = _experiments(matches), _experiments(everything)
    for (run, name, case), group in ours.items():
        label = f"{name}, {case} ({run})"
        if not measure.against:
            interval = mean_interval if measure.statistic == "mean" else median_interval
            values = _metric(group, measure.quantity)
            at = partial(interval, list(values.values())) if values else None
            yield _cell(tuple(group), label, at)
        for other_name in measure.against:
            partner = others.get(_Place(run, other_name, case), [])
            values, theirs = _metric(group, measure.quantity), _metric(partner, measure.quantity)
            differences = [values[seed] - theirs[seed] for seed in values if seed in theirs]
            at = partial(mean_interval, differences) if differences else None
            yield _cell((*group, *partner), f"{label} against {other_name}", at)


def _experiments(matches: Iterable[Match]) -> dict[_Place, list[Match]]:
    """Return the matches by run, implementation and what remains of the case without its seed."""
    groups: dict[_Place, list[Match]] = {}
    for match in matches:
        seed = seed_parameter(match.record.workload)
        case = ",".join(part for part in match.record.case.split(",") if not part.startswith(f"{seed}="))
        groups.setdefault(_place(match)._replace(case=case), []).append(match)
    return groups


def _metric(matches: Iterable[Match], metric: str) -> dict[str, float]:
    """Return a metric by seed, of the records that passed."""
    return {
        case_texts(match.record).get(seed_parameter(match.record.workload) or "", match.record.case): value
        for match in matches
        if match.record.status is Status.PASSED
        and match.record.check
        and (value := match.record.check.metrics.get(metric)) is not None
    }


def _cell(matches: tuple[Match, ...], label: str, at: At | None) -> MeasuredCell:
    """Return the cell; without an interval, the reason is that of the first record that did not pass."""
    if at:
        return MeasuredCell(label, matches, at)
    failed = [match.record for match in matches if match.record.status is not Status.PASSED]
    if not failed:
        return MeasuredCell(label, matches, None, "no value was recorded")
    first = failed[0]
    unsupported = all(record.status is Status.UNSUPPORTED for record in failed)
    reason = f"{first.implementation}: {first.status.replace('_', ' ')}: {first.reason}"
    return MeasuredCell(label, matches, None, reason, unsupported)


def _label(match: Match) -> str:
    return f"{match.record.implementation}, {match.record.case} ({match.run.name})"


def _point(value: float, confidence: float) -> Interval:
    return Interval(value, value, value, confidence)
