"""Roofline plots: attained GFLOP/s against FLOP/byte, under the measured peaks of the machine."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from bench.peaks.model import GpuPeaks, Peaks
from bench.report.figure import Axis, Guide, Panel, log_axis
from bench.report.figures import points, rows_of
from bench.report.units import number, percent, size

_MIN_LABEL_RATIO = 1.3
"""Ratio of bandwidths below which their labels are side by side; one above the other they would overlap."""

_MERGE_RATIO = 1.05
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


def roofline_panel(table: pd.DataFrame, peaks: Peaks | GpuPeaks | None, threads: int) -> Panel | None:
    """Return a plot of the rows that have a speed, under the roofs for this many threads; None where no row has one.

    ``table`` holds the rows of one workload and target, as ``frame`` returns them. FLOP = 2 x MAC; the bytes are the
    least that must move. Without ``peaks`` there are no roofs.
    """
    rated = table[table["gflops"].notna() & (table["least_bytes"] > 0)]
    if rated.empty:
        return None
    rated = rated.assign(x=(rated["flop"] / rated["least_bytes"]).astype("float64"), y=rated["gflops"])
    roofs = _roofs(peaks, threads)
    heights = [*rated["y"], *(peak for _, peak in roofs.peaks)]
    view = _View(rated["x"].min() / 2, rated["x"].max() * 2, min(heights) / 2, max(heights) * 2)
    series = [
        points(rows, str(name), [_text(row) for row in rows_of(rows)]) for name, rows in rated.groupby("implementation")
    ]
    x = _spanning(log_axis("arithmetic intensity, FLOP/byte", [view.left, view.right]), view.left, view.right)
    y = _spanning(log_axis("attained, GFLOP/s", [view.bottom, view.top]), view.bottom, view.top)
    return Panel("", x, y, series, list(_guides(roofs, view)))


def _spanning(axis: Axis, low: float, high: float) -> Axis:
    """Return the axis with exactly this range."""
    return Axis(axis.title, axis.kind, [tick for tick in axis.ticks if low <= tick[0] <= high], low, high)


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
        if merged and height < _MERGE_RATIO * merged[-1][1]:
            label = f"{merged.pop()[0]} and {label}"
        merged.append((label, height))
    return merged


def _guides(roofs: _LabelledRoofs, view: _View) -> Iterable[Guide]:
    """Yield each flat roof from where the fastest memory can feed it, and each sloping one up to the highest peak."""
    fastest = max((rate for _, rate in roofs.bandwidths), default=0)
    highest = max((peak for _, peak in roofs.peaks), default=view.top)
    for label, peak in roofs.peaks:
        start = max(view.left, peak / fastest) if fastest else view.left
        text = f"{label}, {number(peak, 3)} GFLOP/s"
        yield Guide([start, max(view.right, start)], [peak, peak], text, (view.right, peak), anchor="end")
    previous_rate, shift = 0.0, 0
    for label, rate in roofs.bandwidths:
        start, end = max(view.left, view.bottom / rate), min(view.right, highest / rate)
        if start < end:
            shift = shift + 1 if rate < _MIN_LABEL_RATIO * previous_rate else 0
            previous_rate = rate
            x = min(end, start * 6**shift)
            text = f"{label}, {number(rate, 3)} GB/s"
            yield Guide([start, end], [start * rate, end * rate], text, (x, x * rate), below=True)


def _text(row: Mapping[str, Any]) -> str:
    share = "" if pd.isna(row["roofline_share"]) else f", {percent(row['roofline_share'])} of the roof"
    return f"{row['case']}: {number(row['gflops'])} GFLOP/s{share} at {number(row['x'])} FLOP/byte"
