"""What ``featherbench compare`` prints: ratios of times, and beside them what the metrics of trained models say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING

from bench.core import registry
from bench.report.compare import Row
from bench.stats.interval import Interval
from bench.stats.repeats import ALPHA, Finding, least_p
from bench.store import Run

if TYPE_CHECKING:
    from bench.report.accuracy import Difference

DEFAULTS = "(defaults)"
"""The case whose parameters are all as by default."""

Differences = Mapping[Row, Sequence["Difference"]]
"""Of metrics, beside the rows that compare times."""


def metric_differences(rows: Sequence[Row], run: Run, old: Run | None = None) -> Differences:
    """What the metrics say beside each of the ``rows``; empty where ``run`` has none."""
    if not any(record.check and record.check.metrics for record in run.records):
        return {}
    from bench.report import accuracy  # pandas is slow to import, and only needed here

    return accuracy.changes(run, old, rows) if old else accuracy.differences(run, rows)


def row_texts(rows: Sequence[Row], differences: Differences) -> Iterator[str]:
    """A line for each ratio and another for what the first metric says beside it, then one for each reason why not."""
    without: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.ratio is None:
            without.setdefault((row.implementation, row.reason), []).append(row.case)
            continue
        interval = f"[{row.ratio.low:.3f}, {row.ratio.high:.3f}]"
        found = f"{row.ratio.estimate:.3f} {interval} of the time of {row.against}: {row.verdict}"
        where = row.case or DEFAULTS
        where += f", {len(row.cases)} repeats" if len(row.cases) > 1 else ""
        yield f"{row.implementation:24}{where}: {found}" + (f"; {row.reason}" if row.reason else "")
        if row in differences:
            yield f"{'':24}{judged_text(row.workload, differences[row])}"
    for (implementation, reason), cases in without.items():
        where = cases[0] or DEFAULTS if len(cases) == 1 else f"{len(cases)} cases"
        yield f"{implementation:24}{where}: no ratio: {reason}"


def judged_text(workload: str, differences: Sequence["Difference"]) -> str:
    """Of the metric that implementations are judged by."""
    judged = registry.workload(workload).metrics[0]
    found = next((found for found in differences if found.metric.name == judged.name), None)
    if found is None:
        return f"{judged.title}: no difference, as it is missing or not finite in some repeat"
    ends = (found.mean.estimate, found.mean.low, found.mean.high)
    mean, low, high = (f"{100 * end:+.2f}" if found.metric.share else f"{end:+.4g}" for end in ends)
    unit = " points" if found.metric.share else ""
    too_few = found.finding is Finding.CANNOT_TELL and least_p(found.seeds) >= ALPHA
    few = ", with too few repeats for any difference" if too_few else ""
    return f"{found.metric.title} {mean}{unit} [{low}, {high}], corrected p {found.p:.2g}: {found.finding}{few}"


def row_json(row: Row, differences: Sequence["Difference"]) -> dict[str, object]:
    found = asdict(row) | {"ratio": _interval_json(row.ratio) if row.ratio else None}
    if differences:
        found["metrics"] = {
            each.metric.name: {"difference": _interval_json(each.mean)}
            | {"repeats": each.seeds, "p": each.p, "finding": each.finding}
            for each in differences
        }
    return found


def _interval_json(interval: Interval) -> dict[str, float | None]:
    """JSON has no infinity: an end that is not known is null."""
    return {name: value if isfinite(value) else None for name, value in asdict(interval).items()}
