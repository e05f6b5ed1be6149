"""Figures of latency against the swept parameter, and of memory against latency, with a plot for each layer shape."""

from collections.abc import Collection, Mapping
from typing import Any, cast

import pandas as pd

from bench.report.figure import Guide, Panel, Series, log_axis, sweep_axis
from bench.report.frame import group_by_shape
from bench.report.units import duration, duration_interval, size, size_unit, time_unit

_PAGE_BYTES = 4096
"""Size of a memory page; less cannot be measured, and a logarithmic axis shows it as one page."""


def latency_panels(table: pd.DataFrame, sweep: str, shown: Collection[str] = ()) -> list[Panel]:
    """Return plots of latency with its 95 % interval against the parameter ``sweep``, one for each shape.

    ``table`` holds the rows of one workload and target, as ``frame`` returns them. Rows of one shape agree in all other
    parameters. A shape is left out if it was measured at a single value of ``sweep``, or if nothing passed. Axes suit
    the implementations that are ``shown`` at first.
    """
    passed = table[table["status"] == "passed"]
    if passed.empty:
        return []
    scale, unit = time_unit(passed["latency_ns"].median())
    plots = []
    for title, rows in group_by_shape(passed, sweep):
        if rows[sweep].nunique() < 2:
            continue
        axis, positions = sweep_axis(sweep, rows[sweep])
        placed = rows.assign(x=positions, y=rows["latency_ns"] / scale)
        series = [
            Series(
                name=str(name),
                x=line["x"].tolist(),
                y=line["y"].tolist(),
                low=(line["latency_low_ns"] / scale).tolist(),
                high=(line["latency_high_ns"] / scale).tolist(),
                texts=[_latency_text(row) for row in rows_of(line)],
                is_line=True,
            )
            for name, line in placed.sort_values("x", kind="stable").groupby("implementation")
        ]
        heights = log_axis(f"latency per call, {unit}", placed["y"].tolist(), shown=_shown_values(placed, "y", shown))
        plots.append(Panel(title, axis, heights, series))
    return plots


def memory_panels(
    table: pd.DataFrame, sweep: str | None, shown: Collection[str] = (), *, frontier: bool = True
) -> list[Panel]:
    """Return plots of memory against latency, one for each shape; lower and further left is better.

    The memory is the sum of a call's peak and what preparing left behind. An implementation that allocates its buffers
    while preparing needs almost nothing more in a call, but does not use less memory.
    With ``frontier``, a dotted line joins, for each case, the implementations that no other beats in both latency and
    memory. ``table`` and ``shown`` are those of ``latency_panels``.
    """
    passed = table[table["status"] == "passed"]
    if passed.empty:
        return []
    needed = (passed["peak_bytes"] + passed["prepared_bytes"]).astype("float64").clip(lower=_PAGE_BYTES)
    time_scale, time_symbol = time_unit(passed["latency_ns"].median())
    size_scale, size_symbol = size_unit(needed.median())
    drawn = passed.assign(x=passed["latency_ns"] / time_scale, y=needed / size_scale)
    plots = []
    for title, cases in group_by_shape(passed, sweep):
        panel = drawn.loc[cases.index]
        guides = []
        if frontier:
            guides = [
                _frontier(rows, "" if sweep is None else f"{sweep} {rows[sweep].iloc[0]}")
                for _, rows in panel.groupby("case", sort=False)
            ]
        series = [
            points(rows, str(name), [_memory_text(row) for row in rows_of(rows)])
            for name, rows in panel.groupby("implementation")
        ]
        x, y = (
            log_axis(title_, panel[column].tolist(), shown=_shown_values(panel, column, shown), padded=True)
            for title_, column in ((f"latency per call, {time_symbol}", "x"), (f"memory, {size_symbol}", "y"))
        )
        plots.append(Panel(title, x, y, series, guides))
    return plots


def points(rows: pd.DataFrame, name: str, texts: list[str]) -> Series:
    """Return the points of one implementation at columns ``x`` and ``y``."""
    return Series(name, rows["x"].tolist(), rows["y"].tolist(), texts=texts)


def _shown_values(table: pd.DataFrame, column: str, shown: Collection[str]) -> list[float]:
    """Return the values of the implementations that are shown at first."""
    values: list[float] = table.loc[table["implementation"].isin(shown), column].tolist()
    return values


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a ``frame`` as mappings."""
    return cast(list[dict[str, Any]], table.to_dict("records"))


def _latency_text(row: Mapping[str, Any]) -> str:
    interval = duration_interval(row["latency_low_ns"], row["latency_high_ns"], row["latency_ns"])
    return f"{row['case']}: {duration(row['latency_ns'])} ({interval})"


def _memory_text(row: Mapping[str, Any]) -> str:
    memory = f"{size(row['peak_bytes'])} in a call, {size(row['prepared_bytes'])} prepared"
    return f"{row['case']}: {duration(row['latency_ns'])}; {memory}"


def _frontier(rows: pd.DataFrame, label: str) -> Guide:
    """Return a line through the points that no other beats in both latency and memory; the label is below the last."""
    frontier: list[tuple[float, float]] = []
    for x, y in sorted(zip(rows["x"], rows["y"], strict=True)):
        if not frontier or y < frontier[-1][1]:
            frontier.append((x, y))
    xs, ys = zip(*frontier, strict=True)
    return Guide(xs, ys, label, frontier[-1], below=True, is_dotted=True)
