"""Roofline figures: attained GFLOP/s against FLOP/byte, under the measured peaks of the machine."""

from collections.abc import Iterable, Mapping
from html import escape
from math import log10
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from bench.peaks.model import GpuPeaks, Peaks
from bench.report.figures import axis_title, layout, log_axis, points, who
from bench.report.palette import Style
from bench.report.units import number, percent, size

_ROOF = "#555555"

_APART = 1.3
"""Ratio of bandwidths below which their labels are side by side; one above the other they would overlap."""

_SAME = 1.05
"""Ratio of roofs below which they are drawn as one."""


class _View(NamedTuple):
    """The ranges of the axes: FLOP/byte from left to right, GFLOP/s from bottom to top."""

    left: float
    right: float
    bottom: float
    top: float


class _LabelledRoofs(NamedTuple):
    """The roofs with their labels."""

    peaks: list[tuple[str, float]]
    """Label and GFLOP/s of each arithmetic peak, lowest first."""
    bandwidths: list[tuple[str, float]]
    """Label and GB/s of each bandwidth, lowest first."""


def roofline_figure(
    table: pd.DataFrame, peaks: Peaks | GpuPeaks | None, threads: int, style: Mapping[str, Style]
) -> go.Figure | None:
    """Return a figure of the rows that have a speed, under the roofs for this many threads; None where no row has one.

    ``table`` holds the rows of one workload and target, as ``frame`` returns them. FLOP = 2 x MAC; the bytes are the
    least that must move. Without ``peaks`` there are no roofs.
    """
    rated = table[table["gflops"].notna() & (table["least_bytes"] > 0)]
    if rated.empty:
        return None
    rated = rated.assign(x=(rated["flop"] / rated["least_bytes"]).astype("float64"), y=rated["gflops"])
    roofs = _roofs(peaks, threads)
    heights = pd.Series([*rated["y"], *(peak for _, peak in roofs.peaks)], dtype="float64")
    view = _View(rated["x"].min() / 2, rated["x"].max() * 2, heights.min() / 2, heights.max() * 2)
    figure = go.Figure(layout=layout(""))
    _draw_roofs(figure, roofs, view)
    for name, rows in rated.groupby("implementation"):
        hover = [_hover(row) for row in rows.to_dict("records")]
        figure.add_trace(points(rows, str(name), style[str(name)], hover))
    figure.update_layout(height=460)
    x_range, y_range = [log10(view.left), log10(view.right)], [log10(view.bottom), log10(view.top)]
    figure.update_xaxes(title=axis_title("arithmetic intensity, FLOP/byte"), range=x_range, **log_axis(rated["x"]))
    figure.update_yaxes(title=axis_title("attained, GFLOP/s"), range=y_range, **log_axis(heights))
    return figure


def _roofs(peaks: Peaks | GpuPeaks | None, threads: int) -> _LabelledRoofs:
    if peaks is None:
        return _LabelledRoofs([], [])
    roofline = peaks.roofline(threads)
    bandwidths = [(f"{size(working_set)} working set", rate / 1e9) for working_set, rate in roofline.bandwidths]
    return _LabelledRoofs(_by_height(roofline.peaks), _by_height(bandwidths))


def _by_height(roofs: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return the roofs, lowest first; those too near each other to be drawn apart become one, at the higher."""
    merged: list[tuple[str, float]] = []
    for label, height in sorted(roofs, key=lambda roof: roof[1]):
        if merged and height < _SAME * merged[-1][1]:
            label = f"{merged.pop()[0]} and {label}"
        merged.append((label, height))
    return merged


def _draw_roofs(figure: go.Figure, roofs: _LabelledRoofs, view: _View) -> None:
    """Draw each flat roof from where the fastest memory can feed it, and each sloping one up to the highest peak."""
    fastest = max((rate for _, rate in roofs.bandwidths), default=0)
    highest = max((peak for _, peak in roofs.peaks), default=view.top)
    for label, peak in roofs.peaks:
        start = max(view.left, peak / fastest) if fastest else view.left
        _roof(figure, [start, max(view.right, start)], [peak, peak])
        _label(figure, (view.right, peak), f"{label}, {number(peak, 3)} GFLOP/s", xanchor="right", yanchor="bottom")
    previous_rate, shift = 0.0, 0
    for label, rate in roofs.bandwidths:
        start, end = max(view.left, view.bottom / rate), min(view.right, highest / rate)
        if start < end:
            shift = shift + 1 if rate < _APART * previous_rate else 0
            previous_rate = rate
            x = min(end, start * 6**shift)
            _roof(figure, [start, end], [start * rate, end * rate])
            _label(figure, (x, x * rate), f"{label}, {number(rate, 3)} GB/s", xanchor="left", yanchor="top")


def _roof(figure: go.Figure, x: list[float], y: list[float]) -> None:
    line = {"color": _ROOF, "width": 1.5}
    figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False))


def _label(figure: go.Figure, point: tuple[float, float], text: str, **anchor: str) -> None:
    """Write ``text`` at ``point``, on the side of a roof that ``anchor`` chooses.

    Plotly places annotations on logarithmic axes by exponents.
    """
    figure.add_annotation(
        x=log10(point[0]),
        y=log10(point[1]),
        text=escape(text),
        showarrow=False,
        **anchor,
        font={"size": 11, "color": _ROOF},
    )


def _hover(row: Mapping[Any, Any]) -> str:
    share = "" if pd.isna(row["roofline_share"]) else f", {percent(row['roofline_share'])} of the roof"
    return f"{who(row)}<br>{number(row['gflops'])} GFLOP/s{share}<br>{number(row['x'])} FLOP/byte"
