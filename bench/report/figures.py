"""Figures of latency against the swept parameter, and of memory against latency, one for each layer shape.

All names are escaped, because plotly reads some HTML in its texts.
"""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any, cast

import pandas as pd
import plotly.graph_objects as go

from bench.report.frame import panels
from bench.report.palette import Style
from bench.report.units import duration, duration_interval, size, size_unit, time_unit

_GRID = "#e3e3e3"
_INK = "#222222"
_SOFT = "#5a5a5a"
_PAGE_BYTES = 4096
"""Size of a memory page; less cannot be measured, and a logarithmic axis shows it as one page."""
HOVER = "%{customdata}<extra></extra>"


def latency_figures(table: pd.DataFrame, sweep: str, style: Mapping[str, Style]) -> list[go.Figure]:
    """Return figures of latency with its 95 % interval against the parameter ``sweep``, one for each shape.

    ``table`` holds the rows of one workload and target, as ``frame`` returns them. Rows of one shape agree in all other
    parameters. A shape is left out if it was measured at a single value of ``sweep``, or if nothing passed.
    """
    passed = table[table["status"] == "passed"]
    if passed.empty:
        return []
    scale, unit = time_unit(passed["latency_ns"].median())
    figures = []
    for title, panel in panels(passed, sweep):
        if panel[sweep].nunique() < 2:
            continue
        figure = go.Figure(layout=layout(title))
        for name, rows in panel.groupby("implementation"):
            figure.add_trace(_latency_line(rows.sort_values(sweep), sweep, str(name), style[str(name)], scale))
        figure.update_xaxes(title=axis_title(escape(sweep)), **_sweep_axis(panel[sweep]))
        figure.update_yaxes(title=axis_title(f"latency, {unit} a call"), **log_axis(panel["latency_ns"] / scale))
        figures.append(figure)
    return figures


def memory_figures(
    table: pd.DataFrame, sweep: str | None, style: Mapping[str, Style], *, frontier: bool = True
) -> list[go.Figure]:
    """Return figures of memory against latency, one for each shape; lower and further left is better.

    The memory is the sum of a call's peak and what preparing left behind. An implementation that allocates its buffers
    while preparing needs almost nothing more in a call, but does not use less memory.
    With ``frontier``, a dotted line joins, for each case, the implementations that no other beats in both latency and
    memory. ``table`` is that of ``latency_figures``.
    """
    passed = table[table["status"] == "passed"]
    if passed.empty:
        return []
    drawn = passed.assign(shown_bytes=_needed_bytes(passed).clip(lower=_PAGE_BYTES))
    time_scale, time_symbol = time_unit(drawn["latency_ns"].median())
    size_scale, size_symbol = size_unit(drawn["shown_bytes"].median())
    drawn = drawn.assign(x=drawn["latency_ns"] / time_scale, y=drawn["shown_bytes"] / size_scale)
    figures = []
    for title, cases in panels(passed, sweep):
        figure = go.Figure(layout=layout(title))
        panel = drawn.loc[cases.index]
        for _, rows in panel.groupby("case", sort=False):
            if frontier:
                _add_frontier(figure, rows, "" if sweep is None else f"{sweep} {rows[sweep].iloc[0]}")
        for name, rows in panel.groupby("implementation"):
            figure.add_trace(points(rows, str(name), style[str(name)], [_memory_hover(row) for row in _rows(rows)]))
        x_title, y_title = axis_title(f"latency, {time_symbol} a call"), axis_title(f"memory, {size_symbol}")
        figure.update_xaxes(title=x_title, range=padded(panel["x"]), **log_axis(panel["x"]))
        figure.update_yaxes(title=y_title, range=padded(panel["y"]), **log_axis(panel["y"]))
        figures.append(figure)
    return figures


def _needed_bytes(rows: pd.DataFrame) -> "pd.Series[Any]":
    return (rows["peak_bytes"] + rows["prepared_bytes"]).astype("float64")


def layout(title: str) -> go.Layout:
    """Return a white layout with the legend beside the plot, where it covers no data."""
    return go.Layout(
        template="none",
        meta=title,
        title={"text": escape(title), "font": {"size": 14}, "x": 0, "xref": "paper", "y": 0.97, "yanchor": "top"},
        font={"family": "system-ui, sans-serif", "size": 12, "color": _INK},
        paper_bgcolor="white",
        plot_bgcolor="white",
        height=360,
        margin={"l": 64, "r": 16, "t": 40 if title else 30, "b": 56},
        hoverlabel={"align": "left", "bgcolor": "white", "font": {"color": _INK}},
    )


def axis_title(text: str) -> dict[str, object]:
    """Return a title near its axis; ``text`` is HTML."""
    return {"text": text, "standoff": 10}


def log_axis(values: "pd.Series[Any]") -> dict[str, object]:
    """Return a logarithmic axis for positive ``values``; the fewer decades it spans, the more ticks a decade has."""
    low, high = values.min(), values.max()
    digits: tuple[float, ...] = (1, 1.5, 2, 3, 4, 5, 7) if high < 5 * low else (1, 2, 5) if high < 1000 * low else (1,)
    decades = range(floor(log10(low)) - 1, ceil(log10(high)) + 2)
    ticks = [digit * 10.0**decade for decade in decades for digit in digits]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:.12g}" for tick in ticks], **AXIS}


def padded(values: "pd.Series[Any]") -> list[float]:
    """Return an axis range in exponents of ten, with room for markers, labels, and ticks beside a lone value."""
    low, high = log10(values.min()), log10(values.max())
    pad = max(0.2, 0.15 * (high - low))
    return [low - pad, high + pad]


AXIS: dict[str, object] = {
    "gridcolor": _GRID,
    "linecolor": _INK,
    "ticks": "outside",
    "tickcolor": _INK,
    "showline": True,
    "zeroline": False,
    "automargin": True,
}


def points(rows: pd.DataFrame, name: str, style: Style, hover: Sequence[str], **line: object) -> go.Scatter:
    """Return the markers of one implementation at columns ``x`` and ``y``; ``hover`` is HTML with names escaped."""
    return go.Scatter(
        x=rows["x"].tolist(),
        y=rows["y"].tolist(),
        name=escape(name),
        meta=name,
        mode="lines+markers" if line else "markers",
        marker={
            "color": style.colour,
            "symbol": style.symbol,
            "size": style.size,
            "line": {"color": "white", "width": 1},
        },
        line={"color": style.colour, "dash": style.dash, "width": 1.5} if line else None,
        customdata=list(hover),
        hovertemplate=HOVER,
        **line,
    )


def _latency_line(rows: pd.DataFrame, sweep: str, name: str, style: Style, scale: float) -> go.Scatter:
    bars = {
        "type": "data",
        "symmetric": False,
        "array": ((rows["latency_high_ns"] - rows["latency_ns"]) / scale).tolist(),
        "arrayminus": ((rows["latency_ns"] - rows["latency_low_ns"]) / scale).tolist(),
        "color": style.colour,
        "thickness": 1.5,
        "width": 4,
    }
    points_table = rows.assign(x=rows[sweep], y=rows["latency_ns"] / scale)
    return points(points_table, name, style, [_latency_hover(row) for row in _rows(rows)], error_y=bars)


def _latency_hover(row: Mapping[str, Any]) -> str:
    interval = duration_interval(row["latency_low_ns"], row["latency_high_ns"], row["latency_ns"])
    return f"{who(row)}<br>{duration(row['latency_ns'])} ({interval})"


def _memory_hover(row: Mapping[str, Any]) -> str:
    memory = f"{size(row['peak_bytes'])} in a call, {size(row['prepared_bytes'])} prepared"
    return f"{who(row)}<br>{duration(row['latency_ns'])}<br>{memory}"


def who(row: Mapping[str, Any]) -> str:
    """Return the implementation and case of a row, as plotly's HTML."""
    return f"<b>{escape(row['implementation'])}</b><br>{escape(row['case'])}"


def _rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], rows.to_dict("records"))


def _sweep_axis(values: "pd.Series[Any]") -> dict[str, object]:
    """Return an axis with a tick at each value, logarithmic for positive numbers that span a factor of 4 or more."""
    if not pd.api.types.is_numeric_dtype(values):
        return {"type": "category", **AXIS}
    ticks = sorted(values.unique().tolist())
    kind = "log" if ticks[0] > 0 and ticks[-1] >= 4 * ticks[0] else "linear"
    return {"type": kind, "tickvals": ticks, "ticktext": [str(tick) for tick in ticks], **AXIS}


def _add_frontier(figure: go.Figure, rows: pd.DataFrame, label: str) -> None:
    """Draw a line through the points that no other beats in both latency and memory; ``label`` is below the lowest."""
    frontier: list[tuple[float, float]] = []
    for x, y in sorted(zip(rows["x"], rows["y"], strict=True)):
        if not frontier or y < frontier[-1][1]:
            frontier.append((x, y))
    xs, ys = zip(*frontier, strict=True)
    line = {"color": _SOFT, "dash": "dot", "width": 1.5}
    figure.add_trace(go.Scatter(x=xs, y=ys, mode="lines", line=line, hoverinfo="skip", showlegend=False))
    if label:
        figure.add_annotation(
            x=log10(xs[-1]),
            y=log10(ys[-1]),
            text=escape(label),
            showarrow=False,
            yanchor="top",
            yshift=-4,
            font={"size": 10, "color": _SOFT},
        )
