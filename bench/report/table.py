"""The report's table of all results: its texts, and the values that it is sorted and filtered by.

Most of its columns are listed in ``quantities.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Any

import pandas as pd

from bench.core.workload import Metric
from bench.report.compare import Comparison
from bench.report.frame import KEYS, bare_metric, derived_columns, metric_columns, parameter_text
from bench.report.grid import Cell, Column
from bench.report.quantities import QUANTITIES, TABLE_QUANTITIES
from bench.report.units import MISSING, hundredths, number


@dataclass(frozen=True)
class TableRow:
    """A row of the table."""

    workload: str
    implementation: str
    status: str
    verdict: str
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    """The table of results."""

    columns: list[Column]
    lines: list[TableRow]

    def choices(self) -> dict[str, list[str]]:
        """Return the values of each field that lines can be filtered by; workload only where there are several."""
        choices = {
            name: sorted({value for line in self.lines if (value := getattr(line, name))})
            for name in ("workload", "implementation", "status", "verdict")
        }
        return {name: values for name, values in choices.items() if name != "workload" or len(values) > 1}


_FIRST, *_OTHERS = TABLE_QUANTITIES
_COLUMNS = [
    Column("Implementation", numeric=False),
    Column("Case", numeric=False),
    Column("Status", numeric=False),
    Column(_FIRST.heading, hint=_FIRST.hint),
    Column("Ratio", hint="latency / the baseline's in the same rounds; below 1 is faster"),
    Column("Verdict", numeric=False),
    *(Column(quantity.heading, hint=quantity.hint) for quantity in _OTHERS),
]
_NOTES = Column("Notes", numeric=False, hint="why it did not pass; what to mind")


def metric_column(metric: Metric, unit: str) -> Column:
    """Return the column of a metric; ``unit`` is the one of fractions."""
    return Column(f"{metric.heading}, {unit}" if metric.is_fraction else metric.heading, hint=metric.meaning)


def results_table(table: pd.DataFrame, comparisons: Sequence[Comparison], described: Sequence[Metric]) -> Table:
    """Return a line for each row of a ``frame``, with its comparison.

    Run, workload and target are columns where they vary. ``described`` are the workloads' descriptions of metrics. A
    metric that has no description, or two different ones, is shown under its name, as it was recorded.
    """
    varied = [name for name in ("run", "workload", "target") if table[name].nunique() > 1]
    metrics = {name: _described(bare_metric(name), described) for name in metric_columns(table)}
    headings = [Column(name.capitalize(), numeric=False) for name in varied]
    headings += [*_COLUMNS, *(metric_column(metric, "%") for metric in metrics.values()), _NOTES]
    by_key = {
        (row.run, row.workload, row.implementation, case, row.target): row
        for row in comparisons
        for case in row.cases
        if row.ratio is None or len(row.cases) == 1  # a ratio over several cases belongs to none of them
    }
    baselines = {(row.run, row.workload, row.against) for row in comparisons}
    derived = list(derived_columns(table))
    lines = []
    for row in table.to_dict("records"):
        comparison = by_key.get(tuple(row[name] for name in KEYS))
        is_baseline = (row["run"], row["workload"], row["implementation"]) in baselines
        cells = [_text(row[name]) for name in varied]
        cells += [_text(row["implementation"]), _case(row, derived)]
        cells += _cells(row, comparison, is_baseline)
        cells += [_metric(metric, row[name]) for name, metric in metrics.items()]
        notes = _notes(row, comparison)
        cells.append(Cell(notes, notes))
        verdict = _verdict(comparison, is_baseline)
        lines.append(TableRow(row["workload"], row["implementation"], row["status"], verdict, cells))
    return Table(headings, lines)


def _cells(row: Mapping[Any, Any], comparison: Comparison | None, is_baseline: bool) -> list[Cell]:
    return [
        _text(row["status"].replace("_", " ")),
        _FIRST.table_cell(row),
        _ratio(comparison),
        _text(_verdict(comparison, is_baseline)),
        *(quantity.table_cell(row) for quantity in _OTHERS),
    ]


def _case(row: Mapping[Any, Any], derived: Sequence[str]) -> Cell:
    """Return the case, and below it what the workload derives from its parameters."""
    values = [f"{name} {parameter_text(row[name])}" for name in derived if pd.notna(row[name])]
    return Cell(row["case"] or MISSING, row["case"], ", ".join(values))


def _verdict(comparison: Comparison | None, is_baseline: bool) -> str:
    if comparison and comparison.verdict:
        return str(comparison.verdict)
    return "baseline" if is_baseline else ""


def _text(text: str) -> Cell:
    return Cell(text or MISSING, text)


def _described(name: str, described: Sequence[Metric]) -> Metric:
    descriptions = {metric for metric in described if metric.name == name}
    return descriptions.pop() if len(descriptions) == 1 else Metric(name, name, "")


def _metric(metric: Metric, value: Any) -> Cell:
    return _present(value, hundredths if metric.is_fraction else number)


def _present(value: Any, show: Any) -> Cell:
    return Cell(MISSING, "") if pd.isna(value) else Cell(show(value), repr(float(value)))


def _ratio(comparison: Comparison | None) -> Cell:
    if comparison is None or comparison.ratio is None:
        return Cell(MISSING, "")
    ratio = comparison.ratio
    return Cell(number(ratio.estimate), repr(ratio.estimate), f"{number(ratio.low)} to {number(ratio.high)}")


def _notes(row: Mapping[Any, Any], comparison: Comparison | None) -> str:
    """Return why there is no time or no ratio, and what makes a time less certain."""
    if row["status"] != "passed":
        return str(row["reason"])
    notes = []
    if comparison and comparison.reason:
        notes.append(comparison.reason if comparison.ratio else f"no ratio: {comparison.reason}")
    if comparison and comparison.ratio and isinf(comparison.ratio.high):
        notes.append("too few rounds for an interval of the ratio")
    notes += [note for quantity in QUANTITIES if (note := quantity.note(row))]
    return "; ".join(notes)
