"""Comparisons as a reader looks at them: by workload and case, with the times, and summarised over the cases."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.core import registry
from bench.core.case import parameter_text
from bench.core.errors import UsageError
from bench.core.record import Key, Latency
from bench.report.compare import Comparison, default_margin, seed_parameter
from bench.report.times import Time, joint_latency
from bench.stats.interval import Interval
from bench.stats.ratios import mean_over_cases
from bench.stats.verdict import Verdict
from bench.store import Run


@dataclass(frozen=True)
class TimedComparison:
    """A comparison that has a ratio, with the two latencies that it compares (ns, with their 95 % intervals)."""

    comparison: Comparison
    ratio: Interval
    latency: Interval
    other: Interval
    """The latency of the baseline, or that in the older run."""


@dataclass(frozen=True)
class MeanRatio:
    """The ratios of one implementation over several cases."""

    implementation: str
    ratio: Interval
    """Their geometric mean, with its 95 % interval."""
    cases: frozenset[str]
    verdicts: Counter[Verdict]


@dataclass(frozen=True)
class Overview:
    """The comparisons of one workload on one target."""

    workload: str
    title: str
    """The workload's title; empty where this checkout does not know it."""
    target: str
    against: str
    """The baseline, or the name of the older run; empty where there is none."""
    margin: float
    shared: str
    """The parameters that all cases have in common, such as ``cin=64,cout=64``, without defaults."""
    cases: Mapping[str, str]
    """What tells each case from the others, such as ``groups=8``, in the order recorded; empty for a single case."""
    timed: Mapping[str, Sequence[TimedComparison]]
    """The comparisons that have a ratio, by case, the lowest ratio first."""
    times: Mapping[str, Sequence[Time]]
    """The times in the cases where no implementation has a ratio, by case, the shortest first."""
    without_ratio: Sequence[Comparison]
    means: Sequence[MeanRatio]
    """A mean for each implementation that has a ratio, the lowest first."""

    @property
    def comparable(self) -> bool:
        """Whether all means are over the same cases."""
        return len({mean.cases for mean in self.means}) <= 1


def overviews(
    rows: Sequence[Comparison], run: Run, old: Run | None = None, times: Sequence[Time] = ()
) -> Iterator[Overview]:
    """Yield the comparisons of each workload of ``run``, with its baseline or with the ``old`` run.

    ``times`` are those of cases without a ratio.
    """
    shown: list[Comparison | Time] = [*rows, *times]
    latencies = _latencies(run)
    others = _latencies(old) if old else latencies
    for workload, target in dict.fromkeys((each.workload, each.target) for each in shown):
        selected = [row for row in rows if (row.workload, row.target) == (workload, target)]
        alone = [time for time in times if (time.workload, time.target) == (workload, target)]
        timed: dict[str, list[TimedComparison]] = {}
        for row in selected:
            if row.ratio:
                latency = _latency(latencies, row, row.implementation)
                other = _latency(others, row, row.implementation if old else row.against)
                timed.setdefault(row.case, []).append(TimedComparison(row, row.ratio, latency, other))
        shared, cases = describe_cases(_parameters([*selected, *alone], run))
        yield Overview(
            workload=workload,
            title=_title(workload),
            target=target,
            against=next((row.against for row in selected if row.against), ""),
            margin=selected[0].margin if selected else default_margin(run),
            shared=shared,
            cases=cases,
            timed={case: sorted(timed[case], key=lambda each: each.ratio.estimate) for case in cases if case in timed},
            times={case: own for case in cases if (own := _by_length(alone, case))},
            without_ratio=[row for row in selected if row.ratio is None],
            means=_means([row for row in selected if row.ratio]),
        )


def describe_cases(parameters: Mapping[str, Mapping[str, str]]) -> tuple[str, dict[str, str]]:
    """Return what all cases have in common, and what tells each from the others, by its slug.

    ``parameters`` are those of each case, by its slug. Where a parameter has its default in all cases, as no slug then
    names it, it is left out. A single case differs in nothing.
    """
    named = {name for slug in parameters for name in _names(slug)}
    names = [name for name in dict.fromkeys(name for texts in parameters.values() for name in texts) if name in named]
    varied = [name for name in names if len({texts.get(name) for texts in parameters.values()}) > 1]
    first = next(iter(parameters.values()))
    shared = ",".join(f"{name}={first[name]}" for name in names if name not in varied)
    return shared, {
        slug: ",".join(f"{name}={texts[name]}" for name in varied if name in texts)
        for slug, texts in parameters.items()
    }


def _names(slug: str) -> set[str]:
    """Return the parameters that a slug names."""
    return {part.partition("=")[0] for part in slug.split(",")}


def _parameters(rows: Sequence[Comparison | Time], run: Run) -> dict[str, dict[str, str]]:
    """Return the parameters of the rows' cases as a user writes them, without the seed of repeats."""
    recorded = {(record.workload, record.case): record.parameters for record in run.records}
    return {
        row.case: {
            name: parameter_text(value)
            for name, value in recorded[row.workload, row.cases[0]].items()
            if name != seed_parameter(row.workload) or name in _names(row.case)
        }
        for row in rows
    }


def _latencies(run: Run) -> dict[Key, Latency]:
    return {record.key: record.latency for record in run.records if record.latency}


def _latency(latencies: Mapping[Key, Latency], row: Comparison, implementation: str) -> Interval:
    """Return the latency of an implementation on the cases of ``row``, ns; of repeats, their geometric mean."""
    return joint_latency([latencies[Key(row.workload, implementation, case, row.target)] for case in row.cases])


def _by_length(times: Iterable[Time], case: str) -> list[Time]:
    """Return the times of a case, the shortest first."""
    return sorted((time for time in times if time.case == case), key=lambda time: time.latency.estimate)


def _means(rows: Iterable[Comparison]) -> list[MeanRatio]:
    by_implementation: dict[str, list[Comparison]] = {}
    for row in rows:
        by_implementation.setdefault(row.implementation, []).append(row)
    means = [
        MeanRatio(
            implementation=name,
            ratio=mean_over_cases([row.uncorrected for row in compared if row.uncorrected]),
            cases=frozenset(row.case for row in compared),
            verdicts=Counter(row.verdict for row in compared if row.verdict),
        )
        for name, compared in by_implementation.items()
    ]
    return sorted(means, key=lambda mean: mean.ratio.estimate)


def _title(workload: str) -> str:
    try:
        return registry.workload(workload).title
    except UsageError:
        return ""
