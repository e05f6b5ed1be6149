"""Comparisons as text: ratios of times, with the differences of trained models' metrics."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.core import registry
from bench.core.case import DEFAULTS
from bench.report.compare import Comparison
from bench.stats.repeats import ALPHA, Finding, least_p
from bench.store import Run

if TYPE_CHECKING:
    from bench.report.accuracy import Difference

Differences = Mapping[Comparison, Sequence["Difference"]]
"""Differences of metrics by the comparison of times that they belong to."""


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
