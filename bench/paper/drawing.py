"""How figures are drawn and saved: one style, and the same bytes from the same data."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from itertools import chain
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.report.palette import COLOURS

INK, SOFT, GRID = "#222222", "#5a5a5a", "#e3e3e3"
MARKERS = ("o", "s", "D", "^", "P", "X", "v")
"""A marker for each series, so that figures can be read without colours."""
STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "path",  # readers of the file may lack the font
    "svg.hashsalt": "featherbench",
    "pdf.fonttype": 42,
}
"""Settings of matplotlib."""


def drawing_style() -> AbstractContextManager[None]:
    """Draw in the style of the papers' figures until the block ends."""
    return mpl.rc_context(STYLE)


def new_figure(
    columns: int = 1, *, width: float = 7.2, height: float = 3.6, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return an empty figure (sizes in inches) and its axes, which stand beside one another."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(1, columns, squeeze=False, sharey=share_y).flat)


def series_style(index: int) -> tuple[str, str]:
    """Return the colour and marker of the series of this index."""
    return COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]


def add_legend(figure: Figure, panels: Sequence[Axes], columns: int) -> None:
    """Add a legend below the panels, of the series that any of them has."""
    pairs = (zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels)
    handles = {label: handle for handle, label in chain.from_iterable(pairs)}
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=columns)


def set_logarithmic(axes: Axes, axis: Literal["x", "y"]) -> None:
    """Make an axis logarithmic, with plain numbers at 1, 2 and 5 of each decade."""
    getattr(axes, f"set_{axis}scale")("log")
    ticks = getattr(axes, f"{axis}axis")
    ticks.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ticks.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ticks.set_minor_formatter(NullFormatter())


def save_figure(figure: Figure, kind: Literal["svg", "pdf"]) -> bytes:
    """Return the content of a figure's file, without the time at which it was made."""
    buffer = BytesIO()
    with drawing_style():
        figure.savefig(buffer, format=kind, metadata={"Date" if kind == "svg" else "CreationDate": None})
    return buffer.getvalue()
