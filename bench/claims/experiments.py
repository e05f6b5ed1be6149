"""Cells of metrics over seeds: the value, its difference from a baseline, or its change along a parameter."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Literal, NamedTuple

from bench.claims.cells import NOT_MEASURED, CellResult, keys, sweeps
from bench.claims.machines import NewestRecords
from bench.claims.units import Unit, parse_unit
from bench.core import registry
from bench.core.case import DEFAULTS
from bench.core.errors import UsageError
from bench.core.record import Key, Status
from bench.report.compare import failure_text, seed_parameter
from bench.report.query import Query
from bench.report.units import counted
from bench.stats.interval import Interval
from bench.stats.repeats import mean_interval, median_interval

LEAST_SEEDS = 3
"""The number of seeds below which there is no interval."""

Statistic = Literal["mean", "median"]
_INTERVALS: dict[Statistic, Callable[[Sequence[float], float], Interval]] = {
    "mean": mean_interval,
    "median": median_interval,
}


def metric_unit(workload: str, name: str) -> Unit:
    """Return the unit in which records hold a metric of a workload.

    Raises:
        UsageError: where claims cannot use its unit.
    """
    metric = next(metric for metric in registry.workload(workload).metrics if metric.name == name)
    if metric.is_fraction:
        return Unit("", "fraction", 1.0)
    try:
        return parse_unit(metric.unit)
    except ValueError as error:
        raise UsageError(f"the workload gives {name} in {metric.unit!r}: {error}") from None


def metric_cells(
    query: Query, metric: str, statistic: Statistic, baselines: Sequence[str], records: NewestRecords
) -> Iterator[CellResult]:
    """Yield a cell for each experiment and implementation, or for each of its baselines.

    A cell has an interval only where every seed of the scope has a value, and there are LEAST_SEEDS or more.
    """
    measured = _MetricValues(metric, metric_unit(query.workload, metric).scale, records)
    for ours in query.impl:
        for experiment, seeds in _experiments(query, ours).items():
            case = experiment or DEFAULTS
            if not baselines:
                repeats = [(key,) for key in seeds]
                yield _cell(f"{ours}, {case}", (ours,), repeats, measured, _INTERVALS[statistic])
            for baseline in baselines:
                if baseline != ours:
                    pairs = [(key, key._replace(implementation=baseline)) for key in seeds]
                    label, compared = f"{ours} over {baseline}, {case}", (ours, baseline)
                    yield _cell(label, compared, pairs, measured, _INTERVALS[statistic])


def metric_step_cells(
    query: Query, metric: str, statistic: Statistic, sweep: str, records: NewestRecords
) -> Iterator[CellResult]:
    """Yield a cell for each implementation and step: the change of a metric from one value of a parameter to the next.

    Differences are taken seed by seed; a cell has an interval under the conditions of ``metric_cells``.
    """
    measured = _MetricValues(metric, metric_unit(query.workload, metric).scale, records)
    for implementation in query.impl:
        for step, pairs in _steps(query, implementation, sweep).items():
            yield _cell(f"{implementation}, {step}", (implementation,), pairs, measured, _INTERVALS[statistic])


def _steps(query: Query, implementation: str, sweep: str) -> dict[str, list[tuple[Key, Key]]]:
    """Return for each step the keys of every seed, at the next value of the parameter and at the value before."""
    excluded = (f"{seed_parameter(query.workload)}=", f"{sweep}=")
    steps: dict[str, list[tuple[Key, Key]]] = {}
    for cases in sweeps(query.cases(), sweep):
        for before, after in pairwise(cases):
            shared = [part for part in before.slug.split(",") if part and not part.startswith(excluded)]
            values = " to ".join(case.texts()[sweep] for case in (before, after))
            key = Key(query.workload, implementation, before.slug, query.target)
            pair = (key._replace(case=after.slug), key)
            steps.setdefault(", ".join([",".join(shared) or DEFAULTS, f"{sweep} {values}"]), []).append(pair)
    return steps


def _experiments(query: Query, implementation: str) -> dict[str, list[Key]]:
    """Return the keys of each experiment's seeds, by what is left of its case without the seed."""
    seed = seed_parameter(query.workload)
    experiments: dict[str, list[Key]] = {}
    for key in keys(query, implementation):
        shared = ",".join(part for part in key.case.split(",") if not part.startswith(f"{seed}="))
        experiments.setdefault(shared, []).append(key)
    return experiments


def _cell(
    label: str,
    compared: tuple[str, ...],
    repeats: Sequence[tuple[Key, ...]],
    measured: "_MetricValues",
    interval: Callable[[Sequence[float], float], Interval],
) -> CellResult:
    """Return the cell of the repeats of an experiment, each an implementation or a pair whose difference counts."""
    matches = tuple(match for repeat in repeats for key in repeat if (match := measured.records.newest(key)))
    values = [value for repeat in repeats if (value := measured.value(repeat)) is not None]
    if len(values) == len(repeats) >= LEAST_SEEDS:
        return CellResult(label, matches, partial(interval, values), compared=compared)
    failed = [match.record for match in matches if match.record.status is not Status.PASSED]
    unsupported = bool(failed) and not values and all(record.status is Status.UNSUPPORTED for record in failed)
    if not matches:
        reason = NOT_MEASURED
    elif len(values) == len(repeats):
        reason = f"{counted(len(values), 'seed')}, and an interval takes {LEAST_SEEDS} or more"
    else:
        cause = f"; {failed[0].implementation}: {failure_text(failed[0])}" if failed else ""
        reason = f"{len(values)} of {len(repeats)} seeds have a value{cause}"
    return CellResult(label, matches, None, reason, unsupported, compared)


class _MetricValues(NamedTuple):
    """The values of one metric of records, in base units of its dimension."""

    metric: str
    scale: float
    """The size of the metric's unit in base units of its dimension."""
    records: NewestRecords

    def value(self, repeat: Sequence[Key]) -> float | None:
        """Return the metric, or for a pair its difference; None where a record is missing or did not pass."""
        values = []
        for key in repeat:
            match = self.records.newest(key)
            if match is None or match.record.status is not Status.PASSED or match.record.check is None:
                return None
            values.append(match.record.check.metrics.get(self.metric))
        if None in values:
            return None
        first, *others = [self.scale * value for value in values if value is not None]
        return first - others[0] if others else first
