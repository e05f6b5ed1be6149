"""What a figure shows, apart from how it is drawn: the page's script draws it as SVG, and offers its data as a file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, floor, log10
from typing import Any, Literal

import pandas as pd

DIGITS = 5
"""Significant digits of the numbers in a page; few of them keep it small, and texts show four."""
MAX_TEXTS = 1000
"""Maximum number of points of a series whose texts a page holds; a longer series has none."""
_NARROW: tuple[float, ...] = (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9)
_WIDE: tuple[float, ...] = (1, 1.5, 2, 3, 4, 5, 7)
"""Ticks in a decade of a logarithmic axis that spans less than a factor of 2, and of 5."""


@dataclass(frozen=True)
class Axis:
    """An axis with its ticks; ``low`` and ``high`` are the ends of its range."""

    title: str
    kind: Literal["linear", "log", "category"]
    ticks: Sequence[tuple[float, str]]
    """Values with their texts. On an axis of categories, values are positions, from 0."""
    low: float
    high: float


@dataclass(frozen=True)
class Series:
    """The points of one implementation."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    """Lower ends of the intervals of ``y``."""
    high: Sequence[float] | None = None
    texts: Sequence[str] = ()
    """What is shown of each point on demand; may be empty."""
    is_line: bool = False
    """Whether the points are joined."""


@dataclass(frozen=True)
class Guide:
    """A line that is no measurement: a roof, or a frontier."""

    x: Sequence[float]
    y: Sequence[float]
    label: str = ""
    label_at: tuple[float, float] | None = None
    anchor: Literal["start", "end"] = "start"
    """Which end of the label lies at ``label_at``."""
    below: bool = False
    """Whether the label lies below that point."""
    is_dotted: bool = False


@dataclass(frozen=True)
class Panel:
    """One plot of a figure."""

    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    guides: Sequence[Guide] = ()


@dataclass(frozen=True)
class Figure:
    """Plots of one kind for one section."""

    heading: str
    caption: str
    """How to read it; a page says it once."""
    panels: Sequence[Panel] = field(default_factory=list)
    is_wide: bool = False
    finding: str = ""
    """What it shows, in words."""

    @property
    def is_narrow(self) -> bool:
        """Whether another figure has room beside it."""
        return len(self.panels) == 1 and not self.is_wide

    def data(self) -> dict[str, Any]:
        """Return the figure for the page's script, as values that JSON has."""
        return {"heading": self.heading, "panels": [_panel_data(panel) for panel in self.panels]}


def log_axis(
    title: str, values: Sequence[float], *, shown: Sequence[float] | None = None, padded: bool = False
) -> Axis:
    """Return a logarithmic axis for positive ``values``; the fewer decades it spans, the more ticks a decade has.

    Its range is that of the values that are ``shown`` at first, by default all, and its ticks go on as far as the
    others. With ``padded``, the range has room for markers and labels, and for ticks beside a lone value.
    """
    low, high = min(shown or values), max(shown or values)
    digits = _NARROW if high < 2 * low else _WIDE if high < 5 * low else (1, 2, 5) if high < 1000 * low else (1,)
    pad = 10 ** (max(0.2, 0.15 * log10(high / low)) if padded else 0.06)
    minimum, maximum = min(values) / pad, max(values) * pad
    decades = range(floor(log10(minimum)) - 1, ceil(log10(maximum)) + 2)
    ticks = [digit * 10.0**decade for decade in decades for digit in digits]
    return Axis(
        title, "log", [(tick, f"{tick:.12g}") for tick in ticks if minimum <= tick <= maximum], low / pad, high * pad
    )


def linear_axis(title: str, values: Sequence[float]) -> Axis:
    """Return a linear axis with about five ticks at round numbers."""
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 0.06 * abs(high) or 1.0
    low, high = low - pad, high + pad
    raw = (high - low) / 5
    unit = 10.0 ** floor(log10(raw))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= raw)
    ticks = [index * step for index in range(ceil(low / step), floor(high / step) + 1)]
    return Axis(title, "linear", [(tick, f"{tick:.6g}") for tick in ticks], low, high)


def sweep_axis(title: str, values: "pd.Series[Any]") -> tuple[Axis, "pd.Series[float]"]:
    """Return an axis with a tick at each value, and the position of every value on it.

    It is logarithmic for positive numbers that span a factor of 4 or more.
    """
    if not pd.api.types.is_numeric_dtype(values):
        names = list(dict.fromkeys(values.astype(str)))
        positions = values.astype(str).map({name: float(index) for index, name in enumerate(names)})
        return Axis(title, "category", [(i, name) for i, name in enumerate(names)], -0.5, len(names) - 0.5), positions
    ticks = sorted(values.unique().tolist())
    labelled = [(float(tick), str(tick)) for tick in ticks]
    positions = values.astype("float64")
    if ticks[0] > 0 and ticks[-1] >= 4 * ticks[0]:
        return Axis(title, "log", labelled, ticks[0] / 1.15, ticks[-1] * 1.15), positions
    pad = 0.06 * (ticks[-1] - ticks[0])
    return Axis(title, "linear", labelled, ticks[0] - pad, ticks[-1] + pad), positions


def round_significant(value: float) -> float:
    """Return ``value`` to DIGITS significant digits."""
    return float(f"{value:.{DIGITS}g}")


def _panel_data(panel: Panel) -> dict[str, Any]:
    return {
        "title": panel.title,
        "x": _axis_data(panel.x),
        "y": _axis_data(panel.y),
        "series": [_series_data(series) for series in panel.series],
        "guides": [_guide_data(guide) for guide in panel.guides],
    }


def _axis_data(axis: Axis) -> dict[str, Any]:
    ticks = [[value, text] for value, text in axis.ticks]
    return {"title": axis.title, "kind": axis.kind, "ticks": ticks, "range": [axis.low, axis.high]}


def _series_data(series: Series) -> dict[str, Any]:
    data: dict[str, Any] = {"name": series.name, "x": _round_all(series.x), "y": _round_all(series.y)}
    if series.low is not None and series.high is not None:
        data |= {"low": _round_all(series.low), "high": _round_all(series.high)}
    texts = list(series.texts) if len(series.texts) <= MAX_TEXTS else []
    return data | {"texts": texts, "line": series.is_line}


def _guide_data(guide: Guide) -> dict[str, Any]:
    data: dict[str, Any] = {"x": _round_all(guide.x), "y": _round_all(guide.y), "dotted": guide.is_dotted}
    if guide.label and guide.label_at:
        at = [round_significant(value) for value in guide.label_at]
        data["label"] = {"text": guide.label, "at": at, "anchor": guide.anchor, "below": guide.below}
    return data


def _round_all(values: Sequence[float]) -> list[float | None]:
    """Return the values to DIGITS significant digits, for JSON, which has no NaN."""
    return [None if pd.isna(value) else round_significant(value) for value in values]
