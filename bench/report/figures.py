"""Latency against the swept parameter, and memory against latency, one small panel for each layer shape.

All names are escaped: plotly reads some HTML in its texts.
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
"""Less than a memory page cannot be told from none; a logarithmic axis shows it as one page."""
HOVER = "%{customdata}<extra></extra>"


def latency_figures(table: pd.DataFrame, sweep: str, style: Mapping[str, Style]) -> list[go.Figure]:
    """Latency with its 95 % interval against the parameter ``sweep``, one figure for each shape.

    ``table`` holds the rows of one workload and target, as ``frame`` makes them. A shape is what the other parameters
    say; one that is measured at a single value of ``sweep`` is left out, and so is one where nothing passed.
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
    """Memory against latency, one figure for each shape; lower and further left is better.

    The memory is what a call needs at its peak and what preparing left behind, together: an implementation that sets
    its buffers aside while preparing needs almost nothing more in a call, and is not leaner for that.
    With ``frontier``, a dotted line joins, for each case, the implementations that no other beats in both. ``table`` as
    in ``latency_figures``.
    """
    passed = table[table["status"] == "passed"]
    if passed.empty:
        return []
    shown = passed.assign(shown_bytes=_needed_bytes(passed).clip(lower=_PAGE_BYTES))
    time_scale, time_symbol = time_unit(shown["latency_ns"].median())
    size_scale, size_symbol = size_unit(shown["shown_bytes"].median())
    shown = shown.assign(x=shown["latency_ns"] / time_scale, y=shown["shown_bytes"] / size_scale)
    figures = []
    for title, cases in panels(passed, sweep):
        figure = go.Figure(layout=layout(title))
        panel = shown.loc[cases.index]
        for _, rows in panel.groupby("case", sort=False):
            if frontier:
                _add_frontier(figure, rows, "" if sweep is None else f"{sweep} {rows[sweep].iloc[0]}")
        for name, rows in panel.groupby("implementation"):
            figure.add_trace(points(rows, str(name), style[str(name)], [_memory_hover(row) for row in _rows(rows)]))
        names = axis_title(f"latency, {time_symbol} a call"), axis_title(f"memory, {size_symbol}")
        figure.update_xaxes(title=names[0], range=padded(panel["x"]), **log_axis(panel["x"]))
        figure.update_yaxes(title=names[1], range=padded(panel["y"]), **log_axis(panel["y"]))
        figures.append(figure)
    return figures


def _needed_bytes(rows: pd.DataFrame) -> "pd.Series[Any]":
    return (rows["peak_bytes"] + rows["prepared_bytes"]).astype("float64")


def layout(title: str) -> go.Layout:
    """White, with the legend beside the plot, where it can cover no data."""
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
    """Near its axis; ``text`` is HTML."""
    return {"text": text, "standoff": 10}


def log_axis(values: "pd.Series[Any]") -> dict[str, object]:
    """A logarithmic axis around positive ``values``, with the more ticks a decade the fewer decades it spans."""
    low, high = values.min(), values.max()
    digits: tuple[float, ...] = (1, 1.5, 2, 3, 4, 5, 7) if high < 5 * low else (1, 2, 5) if high < 1000 * low else (1,)
    decades = range(floor(log10(low)) - 1, ceil(log10(high)) + 2)
    ticks = [digit * 10.0**decade for decade in decades for digit in digits]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:.12g}" for tick in ticks], **AXIS}


def padded(values: "pd.Series[Any]") -> list[float]:
    """A range, in exponents of ten, with room for markers and labels, and for ticks on either side of a lone value."""
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
    """The markers of one implementation at columns ``x`` and ``y``; ``hover`` has HTML, its names already escaped."""
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
    placed = rows.assign(x=rows[sweep], y=rows["latency_ns"] / scale)
    return points(placed, name, style, [_latency_hover(row) for row in _rows(rows)], error_y=bars)


def _latency_hover(row: Mapping[str, Any]) -> str:
    interval = duration_interval(row["latency_low_ns"], row["latency_high_ns"], row["latency_ns"])
    return f"{who(row)}<br>{duration(row['latency_ns'])} ({interval})"


def _memory_hover(row: Mapping[str, Any]) -> str:
    memory = f"{size(row['peak_bytes'])} in a call, {size(row['prepared_bytes'])} prepared"
    return f"{who(row)}<br>{duration(row['latency_ns'])}<br>{memory}"


def who(row: Mapping[str, Any]) -> str:
    """The implementation and case of a row, as plotly's HTML."""
    return f"<b>{escape(row['implementation'])}</b><br>{escape(row['case'])}"


def _rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], rows.to_dict("records"))


def _sweep_axis(values: "pd.Series[Any]") -> dict[str, object]:
    """Logarithmic where the values are positive numbers, with a tick at each."""
    if not pd.api.types.is_numeric_dtype(values):
        return {"type": "category", **AXIS}
    ticks = sorted(values.unique().tolist())
    kind = "log" if ticks[0] > 0 and ticks[-1] >= 4 * ticks[0] else "linear"
    return {"type": kind, "tickvals": ticks, "ticktext": [str(tick) for tick in ticks], **AXIS}


def _add_frontier(figure: go.Figure, rows: pd.DataFrame, label: str) -> None:
    """A line through the points that no other beats in both latency and memory, with ``label`` below the leanest."""
    best: list[tuple[float, float]] = []
    for x, y in sorted(zip(rows["x"], rows["y"], strict=True)):
        if not best or y < best[-1][1]:
            best.append((x, y))
    across, up = zip(*best, strict=True)
    line = {"color": _SOFT, "dash": "dot", "width": 1.5}
    figure.add_trace(go.Scatter(x=across, y=up, mode="lines", line=line, hoverinfo="skip", showlegend=False))
    if label:
        figure.add_annotation(
            x=log10(across[-1]),
            y=log10(up[-1]),
            text=escape(label),
            showarrow=False,
            yanchor="top",
            yshift=-4,
            font={"size": 10, "color": _SOFT},
        )
