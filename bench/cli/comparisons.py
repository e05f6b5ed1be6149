"""Comparisons as tables: for each workload the ratios of times, their means, and trained models' metrics.

Where there is no ratio, a table shows the times alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.cli.text_table import Printer, TextTable
from bench.core import registry
from bench.core.case import DEFAULTS
from bench.core.record import Record
from bench.report.compare import Comparison
from bench.report.overview import Overview, TimedComparison, overviews
from bench.report.times import Time
from bench.report.units import counted, duration_with_interval, percent, ratio_with_interval
from bench.stats.interval import Interval
from bench.stats.repeats import ALPHA, Finding, min_p
from bench.stats.verdict import Verdict
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


def print_comparisons(
    printer: Printer,
    rows: Sequence[Comparison],
    differences: Differences,
    compared: int,
    run: Run,
    old: Run | None = None,
    times: Sequence[Time] = (),
) -> None:
    """Print tables of the ``rows``, comparisons within ``run``, or of ``run`` with an ``old`` one.

    ``compared`` is the number of comparisons that verdicts are corrected for; ``rows`` may be some of them. ``times``
    are those to show of cases without a ratio.
    """
    for index, overview in enumerate(overviews(rows, run, old, times)):
        if index:
            printer.text()
        for line, style in zip(_heading(overview, compared, run, old), ("bold", "", ""), strict=True):
            printer.text(line, style)
        if overview.timed:
            printer.table(_times(overview, two_runs=old is not None, in_columns=printer.plain))
        if len(overview.cases) > 1 and overview.means:
            printer.text()
            printer.text(_means_sentence(overview), "bold")
            printer.table(_means(overview))
        if table := _metric_differences(overview, differences):
            printer.text()
            printer.text(_metric_sentence(overview, old), "bold")
            printer.table(table)
        _print_times(printer, overview)
        _print_notes(printer, overview)
    _print_disturbance(printer, [*run.records, *(old.records if old else ())])


def _heading(overview: Overview, compared: int, run: Run, old: Run | None) -> Iterator[str]:
    """Yield three lines: the workload, what is compared, and what the cases have in common."""
    title = f": {overview.title}" if overview.title else ""
    yield f"{overview.workload}{title}, on {overview.target}"
    if overview.timed or old:
        yield _setting(overview, compared, run, old)
    else:
        yield f"run {run.name}, no ratios"
    if len(overview.cases) == 1:
        yield f"case: {overview.shared or DEFAULTS}"
    else:
        yield f"{len(overview.cases)} cases" + (f", all with {overview.shared}" if overview.shared else "")


def _setting(overview: Overview, compared: int, run: Run, old: Run | None) -> str:
    """Return what is compared with what, and how verdicts are reached."""
    sides = f"{run.name} against {old.name}" if old else f"{run.name}, baseline {overview.against or 'unknown'}"
    corrected = f"verdicts corrected for {counted(compared, 'comparison')}"
    return f"run {sides}, margin {percent(overview.margin)}; {corrected}"


def _times(overview: Overview, two_runs: bool, in_columns: bool) -> TextTable:
    """Return the table of times and ratios.

    The baseline's time stands in a column (``in_columns``), or in a row of each case, at its place among the others.
    """
    repeated = any(len(timed.comparison.cases) > 1 for case in overview.timed.values() for timed in case)
    columns: list[tuple[str, Callable[[TimedComparison], str]]] = [
        ("implementation", lambda timed: timed.comparison.implementation),
        *([("repeats", lambda timed: str(len(timed.comparison.cases)))] if repeated else []),
        ("new" if two_runs else "time", lambda timed: _time(timed.latency)),
        *([("old" if two_runs else overview.against, _other_time)] if two_runs or in_columns else []),
        ("ratio", lambda timed: _ratio(timed.ratio)),
        ("verdict", lambda timed: str(timed.comparison.verdict)),
    ]
    groups: dict[str, list[list[str]]] = {}
    for case, timed_comparisons in overview.timed.items():
        rows = [[cell(timed) for _, cell in columns] for timed in timed_comparisons]
        if not two_runs and not in_columns:
            most = max(timed_comparisons, key=lambda timed: len(timed.comparison.cases))  # some may lack repeats
            repeats = [str(len(most.comparison.cases))] if repeated else []
            faster = sum(timed.ratio.estimate < 1 for timed in timed_comparisons)
            rows.insert(faster, [overview.against, *repeats, _time(most.other), "1", "baseline"])
        groups.setdefault(overview.cases[case], []).extend(rows)
    return TextTable([heading for heading, _ in columns], groups, "case")


def _means_sentence(overview: Overview) -> str:
    caution = "" if overview.comparable else "; means over different cases cannot be compared"
    return f"geometric mean of the ratios above, with its 95 % interval, and verdicts by number of cases{caution}"


def _means(overview: Overview) -> TextTable:
    rows = [
        (
            mean.implementation,
            f"{len(mean.cases)} of {len(overview.cases)}",
            _ratio(mean.ratio),
            *(str(mean.verdicts[verdict]) for verdict in Verdict),
        )
        for mean in overview.means
    ]
    return TextTable(["implementation", "cases", "mean ratio", *Verdict], {"": rows})


def _metric_sentence(overview: Overview, old: Run | None) -> str:
    primary = registry.workload(overview.workload).metrics[0]
    unit = f" in {primary.difference_unit}," if primary.difference_unit else ""
    other = f"in run {old.name}" if old else f"of {overview.against}"
    return (
        f"{primary.title} minus that {other},{unit} with its 95 % interval; p corrected for the number of comparisons"
    )


def _metric_differences(overview: Overview, differences: Differences) -> TextTable | None:
    """Return the table of differences in the primary metric, or None where there are none."""
    groups: dict[str, list[list[str]]] = {}
    for case, timed_comparisons in overview.timed.items():
        for row in (timed.comparison for timed in timed_comparisons if timed.comparison in differences):
            cells = [row.implementation, *difference_cells(row.workload, differences[row])]
            groups.setdefault(overview.cases[case], []).append(cells)
    return TextTable(["implementation", "difference", "p", "finding"], groups, "case", prose=True) if groups else None


def difference_cells(workload: str, differences: Sequence["Difference"]) -> tuple[str, str, str]:
    """Return the difference in the primary metric, its p value, and the finding."""
    primary = registry.workload(workload).metrics[0]
    difference = next((each for each in differences if each.metric.name == primary.name), None)
    if difference is None:
        return "", "", "no difference, as it is missing or not finite in some repeat"
    metric, finding = difference.metric, difference.finding
    values = (difference.mean.estimate, difference.mean.low, difference.mean.high)
    mean, low, high = (f"{100 * value:+.2f}" if metric.is_fraction else f"{value:+.4g}" for value in values)
    too_few = finding is Finding.CANNOT_TELL and min_p(difference.seeds) >= ALPHA
    remark = ", with too few repeats for any difference" if too_few else ""
    return f"{mean} [{low}, {high}]", f"{difference.p:.2g}", f"{finding}{remark}"


def _print_times(printer: Printer, overview: Overview) -> None:
    """Print the times in cases without a ratio, and which baselines would give ratios there."""
    if not overview.times:
        return
    if overview.timed:
        printer.text()
        printer.text("times in cases without a ratio", "bold")
    repeated = any(len(time.cases) > 1 for times in overview.times.values() for time in times)
    columns: list[tuple[str, Callable[[Time], str]]] = [
        ("implementation", lambda time: time.implementation),
        *([("repeats", lambda time: str(len(time.cases)))] if repeated else []),
        ("time", lambda time: _time(time.latency)),
    ]
    groups = {
        overview.cases[case]: [[cell(time) for _, cell in columns] for time in times]
        for case, times in overview.times.items()
    }
    printer.table(TextTable([heading for heading, _ in columns], groups, "case"))
    printer.text()
    printer.text(_baselines_sentence(overview))


def _baselines_sentence(overview: Overview) -> str:
    """Return which implementations passed on a case together with another, so that they can be baselines there."""
    several = [times for times in overview.times.values() if len(times) > 1]
    names = sorted({time.implementation for times in several for time in times})
    if not names:
        return "a ratio needs two implementations that passed on the same case"
    return f"for ratios, choose a baseline with compare --baseline NAME: {', '.join(names)}"


def _print_disturbance(printer: Printer, records: Sequence[Record]) -> None:
    """Print how many records have times that other processes have lengthened, if any."""
    count = sum(record.latency is not None and record.latency.is_mostly_disturbed for record in records)
    if count:
        printer.text()
        printer.text(
            f"in {counted(count, 'record')}, other processes took the core in at least half of the rounds; "
            "measure again when nothing else runs"
        )


def _print_notes(printer: Printer, overview: Overview) -> None:
    """Print the cautions about ratios, and the reasons for none; what holds for all ratios is said once."""
    compared = [timed.comparison for case in overview.timed.values() for timed in case]
    cautions = {row.reason for row in compared}
    shared = cautions.pop() if len(cautions) == 1 and len(compared) > 1 else ""
    noted: dict[tuple[str, str], list[str]] = {}
    for row in compared:
        if row.reason and row.reason != shared:
            noted.setdefault((row.implementation, row.reason), []).append(row.case)
    for row in overview.without_ratio:
        noted.setdefault((row.implementation, f"no ratio: {row.reason}"), []).append(row.case)
    if shared or noted:
        printer.text()
    if shared:
        printer.text(f"note for all ratios: {shared}")
    if noted:
        rows = [
            (name, (len(cases) == 1 and overview.cases[cases[0]]) or counted(len(cases), "case"), note)
            for (name, note), cases in noted.items()
        ]
        printer.table(TextTable(["implementation", "cases", "note"], {"": rows}, prose=True))


def _other_time(timed: TimedComparison) -> str:
    """Return the time of the baseline or in the older run, without its interval."""
    return _time(timed.other).partition(" [")[0]


def _time(latency: Interval) -> str:
    return duration_with_interval(latency.estimate, latency.low, latency.high)


def _ratio(ratio: Interval) -> str:
    return ratio_with_interval(ratio.estimate, ratio.low, ratio.high)
