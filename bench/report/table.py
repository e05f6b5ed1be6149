"""The report's table of all results: its texts, and the values that it is sorted and filtered by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Any, NamedTuple

import pandas as pd

from bench.core.workload import Metric
from bench.report.compare import Comparison
from bench.report.frame import KEYS, bare_metric, derived_columns, metric_columns, parameter_text
from bench.report.units import MISSING, duration, duration_interval, hundredths, number, percent, size


class Column(NamedTuple):
    """The head of a column."""

    heading: str
    numeric: bool = True
    hint: str = ""


class Cell(NamedTuple):
    """A cell of the table of results."""

    text: str
    value: str
    """Value to sort by; empty where missing, which always comes last."""
    aside: str = ""


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


_COLUMNS = [
    Column("Implementation", numeric=False),
    Column("Case", numeric=False),
    Column("Status", numeric=False),
    Column("Time a call", hint="of a new process, every call counted, with its 95 % interval"),
    Column("Ratio", hint="latency / the baseline's in the same rounds; below 1 is faster"),
    Column("Verdict", numeric=False),
    Column("Memory", hint="peak of a call plus what preparing and first calls left behind; below, the two apart"),
    Column("MMACs", hint="million multiply-accumulates a call"),
    Column("GFLOP/s", hint="2 x MAC / time"),
    Column("% of roofline", hint="of what the machine can attain for this work"),
    Column("Error", hint="largest found against the reference, and the tolerance"),
]
OFTEN = 0.25
"""Fraction of affected rounds or samples above which a row's notes mention them."""
LONG_TAIL = 0.1
"""What slow calls add to the median, as a fraction, above which a row's notes mention it."""
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
        _time(row),
        _ratio(comparison),
        _text(_verdict(comparison, is_baseline)),
        _memory(row),
        _present(row["macs"], lambda macs: number(macs / 1e6)),
        _number(row["gflops"]),
        _present(row["roofline_share"], lambda value: percent(value)),
        _error(row),
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


def _number(value: Any) -> Cell:
    return _present(value, lambda present: number(present))


def _described(name: str, described: Sequence[Metric]) -> Metric:
    descriptions = {metric for metric in described if metric.name == name}
    return descriptions.pop() if len(descriptions) == 1 else Metric(name, name, "")


def _metric(metric: Metric, value: Any) -> Cell:
    return _present(value, hundredths if metric.is_fraction else number)


def _present(value: Any, show: Any) -> Cell:
    return Cell(MISSING, "") if pd.isna(value) else Cell(show(value), repr(float(value)))


def _time(row: Mapping[Any, Any]) -> Cell:
    if pd.isna(row["latency_ns"]):
        return Cell(MISSING, "")
    interval = duration_interval(row["latency_low_ns"], row["latency_high_ns"], row["latency_ns"])
    return Cell(duration(row["latency_ns"]), repr(row["latency_ns"]), interval)


def _memory(row: Mapping[Any, Any]) -> Cell:
    if pd.isna(row["peak_bytes"]):
        return Cell(MISSING, "")
    total = row["peak_bytes"] + row["prepared_bytes"]
    driver = "" if pd.isna(row["driver_bytes"]) else f"; driver {size(row['driver_bytes'])}"
    return Cell(size(total), str(total), f"{size(row['peak_bytes'])} + {size(row['prepared_bytes'])}{driver}")


def _ratio(comparison: Comparison | None) -> Cell:
    if comparison is None or comparison.ratio is None:
        return Cell(MISSING, "")
    ratio = comparison.ratio
    return Cell(number(ratio.estimate), repr(ratio.estimate), f"{number(ratio.low)} to {number(ratio.high)}")


def _error(row: Mapping[Any, Any]) -> Cell:
    if pd.isna(row["error"]):
        return Cell(MISSING, "")
    tolerance = "" if pd.isna(row["tolerance"]) else f"of {row['tolerance']:g}"
    return Cell(number(row["error"], 2), repr(row["error"]), tolerance)


def _notes(row: Mapping[Any, Any], comparison: Comparison | None) -> str:
    """Return why there is no time or no ratio, and what makes a time less certain."""
    if row["status"] != "passed":
        return str(row["reason"])
    notes = []
    if comparison and comparison.reason:
        notes.append(comparison.reason if comparison.ratio else f"no ratio: {comparison.reason}")
    if comparison and comparison.ratio and isinf(comparison.ratio.high):
        notes.append("too few rounds for an interval of the ratio")
    if pd.notna(row["growth_bytes"]) and row["growth_bytes"] > 0:
        notes.append(f"keeps {size(int(row['growth_bytes']))} of every call")
    if row["tail_share"] > LONG_TAIL:
        notes.append(f"slow calls add {percent(row['tail_share'])}")
    if row["stopped"] == "budget":
        notes.append(f"budget ended after {row['rounds']} rounds")
    if pd.notna(row["off_cpu"]) and row["off_cpu"] > OFTEN * row["rounds"]:
        notes.append(f"{row['off_cpu']} rounds off the core")
    if pd.notna(row["throttled"]) and row["throttled"]:
        notes.append(f"{row['throttled']} rounds with the GPU's clock throttled")
    if pd.notna(row["launch_bound"]) and row["launch_bound"] > OFTEN * row["samples"]:
        notes.append(f"in {row['launch_bound']} of {row['samples']} samples the GPU may have waited for the host")
    return "; ".join(notes)
