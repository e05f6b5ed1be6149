"""The report's table of all results: what a reader sees, and what it is sorted and filtered by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Any, NamedTuple

import pandas as pd

from bench.core.workload import Metric
from bench.report.compare import Row
from bench.report.frame import KEYS, bare_metric, metric_columns
from bench.report.units import MISSING, duration, duration_interval, hundredths, number, percent, size


class Column(NamedTuple):
    heading: str
    numeric: bool = True
    hint: str = ""


class Cell(NamedTuple):
    text: str
    value: str
    """What to sort by; empty where missing, which always comes last."""
    aside: str = ""


@dataclass(frozen=True)
class Line:
    """A row of the table."""

    workload: str
    implementation: str
    status: str
    verdict: str
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    columns: list[Column]
    lines: list[Line]

    def choices(self) -> dict[str, list[str]]:
        """What the lines have, by what they can be filtered by; by workload only where they are of several."""
        found = {
            name: sorted({value for line in self.lines if (value := getattr(line, name))})
            for name in ("workload", "implementation", "status", "verdict")
        }
        return {name: choices for name, choices in found.items() if name != "workload" or len(choices) > 1}


_COLUMNS = [
    Column("Implementation", numeric=False),
    Column("Case", numeric=False),
    Column("Status", numeric=False),
    Column("Time a call", hint="median, with its 95 % interval"),
    Column("Ratio", hint="latency / the baseline's in the same rounds; below 1 is faster"),
    Column("Verdict", numeric=False),
    Column("Memory", hint="peak of a call plus what preparing and first calls left behind; below, the two apart"),
    Column("MMACs", hint="million multiply-accumulates a call"),
    Column("GFLOP/s", hint="2 x MAC / time"),
    Column("% of roofline", hint="of what the machine can attain for this work"),
    Column("Error", hint="largest found against the reference, and the tolerance"),
]
OFTEN = 0.25
"""Of the rounds off the core: above, a row's note says so."""
_NOTES = Column("Notes", numeric=False, hint="why it did not pass; what to mind")


def metric_column(metric: Metric, unit: str) -> Column:
    """The column of a metric; ``unit`` is that of a share."""
    return Column(f"{metric.heading}, {unit}" if metric.share else metric.heading, hint=metric.meaning)


def results_table(table: pd.DataFrame, comparisons: Sequence[Row], described: Sequence[Metric]) -> Table:
    """A line for each row of a ``frame``, with its comparison; run, workload and target as columns where they vary.

    ``described`` are metrics as their workloads describe them. One that is not, or that two describe differently, is
    shown under its name, as it was recorded.
    """
    varied = [name for name in ("run", "workload", "target") if table[name].nunique() > 1]
    metrics = {name: _described(bare_metric(name), described) for name in metric_columns(table)}
    headings = [Column(name.capitalize(), numeric=False) for name in varied]
    headings += [*_COLUMNS, *(metric_column(metric, "%") for metric in metrics.values()), _NOTES]
    by_key = {
        (row.run, row.workload, row.implementation, case, row.target): row
        for row in comparisons
        for case in row.cases
        if row.ratio is None or len(row.cases) == 1  # a ratio over several cases is that of none of them
    }
    baselines = {(row.run, row.workload, row.against) for row in comparisons}
    lines = []
    for row in table.to_dict("records"):
        comparison = by_key.get(tuple(row[name] for name in KEYS))
        is_baseline = (row["run"], row["workload"], row["implementation"]) in baselines
        cells = [_text(row[name]) for name in varied]
        cells += _cells(row, comparison, is_baseline)
        cells += [_metric(metric, row[name]) for name, metric in metrics.items()]
        notes = _notes(row, comparison)
        cells.append(Cell(notes, notes))
        verdict = _verdict(comparison, is_baseline)
        lines.append(Line(row["workload"], row["implementation"], row["status"], verdict, cells))
    return Table(headings, lines)


def _cells(row: Mapping[Any, Any], comparison: Row | None, is_baseline: bool) -> list[Cell]:
    return [
        _text(row["implementation"]),
        _text(row["case"]),
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


def _verdict(comparison: Row | None, is_baseline: bool) -> str:
    if comparison and comparison.verdict:
        return str(comparison.verdict)
    return "baseline" if is_baseline else ""


def _text(text: str) -> Cell:
    return Cell(text or MISSING, text)


def _number(value: Any) -> Cell:
    return _present(value, lambda present: number(present))


def _described(name: str, described: Sequence[Metric]) -> Metric:
    found = {metric for metric in described if metric.name == name}
    return found.pop() if len(found) == 1 else Metric(name, name, "")


def _metric(metric: Metric, value: Any) -> Cell:
    return _present(value, hundredths if metric.share else number)


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
    both = row["peak_bytes"] + row["prepared_bytes"]
    of_driver = "" if pd.isna(row["driver_bytes"]) else f"; driver {size(row['driver_bytes'])}"
    return Cell(size(both), str(both), f"{size(row['peak_bytes'])} + {size(row['prepared_bytes'])}{of_driver}")


def _ratio(comparison: Row | None) -> Cell:
    if comparison is None or comparison.ratio is None:
        return Cell(MISSING, "")
    ratio = comparison.ratio
    return Cell(number(ratio.estimate), repr(ratio.estimate), f"{number(ratio.low)} to {number(ratio.high)}")


def _error(row: Mapping[Any, Any]) -> Cell:
    if pd.isna(row["error"]):
        return Cell(MISSING, "")
    tolerance = "" if pd.isna(row["tolerance"]) else f"of {row['tolerance']:g}"
    return Cell(number(row["error"], 2), repr(row["error"]), tolerance)


def _notes(row: Mapping[Any, Any], comparison: Row | None) -> str:
    """Why there is no time, or no ratio, and what makes a time less sure."""
    if row["status"] != "passed":
        return str(row["reason"])
    notes = []
    if comparison and comparison.reason:
        notes.append(comparison.reason if comparison.ratio else f"no ratio: {comparison.reason}")
    if comparison and comparison.ratio and isinf(comparison.ratio.high):
        notes.append("too few rounds for an interval of the ratio")
    if row["stopped"] == "budget":
        notes.append(f"budget ended after {row['rounds']} rounds")
    if pd.notna(row["preempted"]) and row["preempted"] > OFTEN * row["rounds"]:
        notes.append(f"{row['preempted']} rounds off the core")
    if pd.notna(row["throttled"]) and row["throttled"]:
        notes.append(f"{row['throttled']} rounds with the GPU's clock held down")
    if pd.notna(row["exposed"]) and row["exposed"] > OFTEN * row["samples"]:
        notes.append(f"in {row['exposed']} of {row['samples']} samples the GPU may have waited for the host")
    return "; ".join(notes)
