"""The output of ``featherbench compare``: ratios of times, with the differences of trained models' metrics."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import TYPE_CHECKING

from bench.core import registry
from bench.core.case import matches, parameter_text
from bench.core.errors import UsageError
from bench.report.compare import Comparison, seed_parameter
from bench.stats.interval import Interval
from bench.stats.repeats import ALPHA, Finding, least_p
from bench.store import Run

if TYPE_CHECKING:
    from bench.report.accuracy import Difference

DEFAULTS = "(defaults)"
"""Text for the case whose parameters all have their defaults."""

Differences = Mapping[Comparison, Sequence["Difference"]]
"""Differences of metrics by the comparison of times that they belong to."""


@dataclass(frozen=True)
class Selection:
    """Which comparisons to show: of which implementations, and of cases with which parameters; empty for all."""

    implementations: frozenset[str]
    values: Mapping[str, frozenset[str]]
    """Texts of values by the name of a parameter; those of one name are alternatives."""

    def has(self, implementation: str, parameters: Mapping[str, object]) -> bool:
        """Whether comparisons of an implementation on a case with these parameters are shown."""
        texts = {name: parameter_text(value) for name, value in parameters.items()}
        chosen = not self.implementations or implementation in self.implementations
        return chosen and matches(texts, self.values)

    def rows(self, rows: Sequence[Comparison], run: Run) -> list[Comparison]:
        """Return the rows to show.

        Raises:
            UsageError: where nothing is left.
        """
        parameters = {(record.workload, record.case): record.parameters for record in run.records}
        shown = [row for row in rows if self.has(row.implementation, parameters[row.workload, row.cases[0]])]
        if rows and not shown:
            raise UsageError("no comparison of the run matches all of --impl and --case; a baseline itself is in none")
        return shown


def selection(run: Run, implementations: Collection[str], filters: Sequence[str]) -> Selection:
    """Return what the options ``--impl`` and ``--case`` of ``compare`` select in ``run``.

    Raises:
        UsageError: where a name or a value is in no record of the run, with the choices, or a filter has no value.
    """
    names = {record.implementation for record in run.records}
    if unknown := sorted(set(implementations) - names):
        raise UsageError(f"no implementation {unknown[0]!r} in run {run.name}; choose from {', '.join(sorted(names))}")
    seeds = {seed_parameter(name) for name in run.info.request.workloads}
    values: dict[str, set[str]] = {}
    for text in filters:
        name, equals, value = text.partition("=")
        known = {parameter_text(record.parameters[name]) for record in run.records if name in record.parameters}
        if not equals:
            raise UsageError(f"--case {text!r} needs a value: NAME=VALUE")
        if not known:
            parameters = sorted({parameter for record in run.records for parameter in record.parameters})
            raise UsageError(f"no parameter {name!r} in run {run.name}; choose from {', '.join(parameters)}")
        if name in seeds:
            raise UsageError(
                f"cases that differ in {name} are repeats, which are compared together; drop --case {text}"
            )
        if value not in known:
            raise UsageError(f"no case of run {run.name} has {text}; choose from {', '.join(sorted(known))}")
        values.setdefault(name, set()).add(value)
    return Selection(frozenset(implementations), {name: frozenset(chosen) for name, chosen in values.items()})


def metric_differences(rows: Sequence[Comparison], run: Run, old: Run | None = None) -> Differences:
    """Return the differences of metrics for the ``rows``; empty where ``run`` has no metrics."""
    if not any(record.check and record.check.metrics for record in run.records):
        return {}
    from bench.report import accuracy  # pandas is slow to import, and only needed here

    return accuracy.changes(run, old, rows) if old else accuracy.differences(run, rows)


def comparison_texts(rows: Sequence[Comparison], differences: Differences) -> Iterator[str]:
    """Yield a line for each ratio, each with a line for the first metric, then a line for each reason for no ratio.

    What all ratios have to be taken with is said once, below them.
    """
    missing: dict[tuple[str, str], list[str]] = {}
    remarks = {row.reason for row in rows if row.ratio}
    shared = next(iter(remarks)) if len(remarks) == 1 and sum(row.ratio is not None for row in rows) > 1 else ""
    for row in rows:
        if row.ratio is None:
            missing.setdefault((row.implementation, row.reason), []).append(row.case)
            continue
        interval = f"[{row.ratio.low:.3f}, {row.ratio.high:.3f}]"
        ratio_text = f"{row.ratio.estimate:.3f} {interval} of the time of {row.against}: {row.verdict}"
        case_text = row.case or DEFAULTS
        case_text += f", {len(row.cases)} repeats" if len(row.cases) > 1 else ""
        yield f"{row.implementation:24}{case_text}: {ratio_text}" + (f"; {row.reason}" if row.reason != shared else "")
        if row in differences:
            yield f"{'':24}{judged_text(row.workload, differences[row])}"
    if shared:
        yield f"{'':24}note for all ratios: {shared}"
    for (implementation, reason), cases in missing.items():
        case_text = cases[0] or DEFAULTS if len(cases) == 1 else f"{len(cases)} cases"
        yield f"{implementation:24}{case_text}: no ratio: {reason}"


def judged_text(workload: str, differences: Sequence["Difference"]) -> str:
    """Describe the difference in the metric that implementations are judged by."""
    judged = registry.workload(workload).metrics[0]
    judged_differences = (difference for difference in differences if difference.metric.name == judged.name)
    difference = next(judged_differences, None)
    if difference is None:
        return f"{judged.title}: no difference, as it is missing or not finite in some repeat"
    metric, finding = difference.metric, difference.finding
    values = (difference.mean.estimate, difference.mean.low, difference.mean.high)
    mean, low, high = (f"{100 * value:+.2f}" if metric.is_fraction else f"{value:+.4g}" for value in values)
    unit = " points" if metric.is_fraction else ""
    too_few = finding is Finding.CANNOT_TELL and least_p(difference.seeds) >= ALPHA
    remark = ", with too few repeats for any difference" if too_few else ""
    return f"{metric.title} {mean}{unit} [{low}, {high}], corrected p {difference.p:.2g}: {finding}{remark}"


def comparison_json(row: Comparison, differences: Sequence["Difference"]) -> dict[str, object]:
    """Return a comparison and its differences of metrics as what JSON can hold."""
    fields = asdict(row) | {"ratio": _interval_json(row.ratio) if row.ratio else None}
    if differences:
        fields["metrics"] = {
            difference.metric.name: {"difference": _interval_json(difference.mean)}
            | {"repeats": difference.seeds, "p": difference.p, "finding": difference.finding}
            for difference in differences
        }
    return fields


def _interval_json(interval: Interval) -> dict[str, float | None]:
    """Return the interval with null for an end that is not known, since JSON has no infinity."""
    return {name: value if isfinite(value) else None for name, value in asdict(interval).items()}
