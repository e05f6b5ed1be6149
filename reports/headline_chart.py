"""Draws the chart of the README: the ratio of each implementation on every layer, and the geometric mean of them."""

from collections.abc import Collection
from math import nan
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.report.overview import MeanRatio, Overview
from bench.report.units import counted, ratio_with_interval
from bench.store import Run

_INK, _SOFT, _LINE, _MEAN = "#1d1d1b", "#5b5b56", "#dcdcd6", "#0b5cad"
_STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _SOFT,
    "svg.fonttype": "none",  # texts stay texts: small, and readable by programs
    "svg.hashsalt": "featherbench",  # the same names of elements each time
}


def write_chart(run: Run, ratios: Overview, shown: Collection[str], path: Path) -> None:
    """Write the chart of the implementations that are ``shown`` as SVG, on white, so that it suits any page.

    Args:
        run: the run, which is named below the chart.
        ratios: its ratios to the baseline.
        shown: the implementations to draw.
        path: the file to write.
    """
    with mpl.rc_context(_STYLE):
        figure = _draw(run, ratios, shown)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", facecolor="white", metadata={"Date": None})


def _draw(run: Run, ratios: Overview, shown: Collection[str]) -> Figure:
    means = [mean for mean in ratios.means if mean.implementation in shown]
    layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.15)
    figure = Figure(figsize=(8.4, 1.5 + 0.42 * len(means)), layout=layout)
    axes = figure.subplots()
    for place, mean in enumerate(means):
        _draw_row(axes, place, mean, _by_case(ratios, mean.implementation))
    axes.axvline(1, color=_INK, linewidth=1.2, zorder=1)
    axes.set_yticks(range(len(means)), [mean.implementation for mean in means])
    axes.set_ylim(len(means) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", color=_LINE)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, which="both")
    axes.spines[:].set_visible(False)
    axes.set_title(
        f"Latency / latency of {ratios.against}: further left is faster",
        loc="left",
        fontsize=11,
        fontweight="bold",
        pad=10,
    )
    machine = run.info.machine.environment
    axes.set_xlabel(
        f"A thin line for each of {counted(len(ratios.cases), 'layer')}; the dot is their geometric mean, at the right "
        f"with its 95 % interval.\nRun {run.name}: one core of an {machine.cpu}, {run.info.started:%Y-%m-%d}.",
        loc="left",
        fontsize=9,
        labelpad=8,
    )
    return figure


def _draw_row(axes: Axes, place: int, mean: MeanRatio, by_case: list[float]) -> None:
    """Draw the ratios of one implementation, and write the mean at the right."""
    ratio, name = mean.ratio, mean.implementation
    x = [value for ratio in by_case for value in (ratio, ratio, nan)]  # one path for all, which keeps the file small
    axes.plot(x, [place - 0.17, place + 0.17, nan] * len(by_case), color=_SOFT, alpha=0.7, linewidth=0.7)
    axes.plot([ratio.low, ratio.high], [place, place], color=_MEAN, linewidth=4, gid=f"interval-{name}")
    axes.plot([ratio.estimate], [place], "o", color=_MEAN, markersize=7, markeredgecolor="white", gid=f"mean-{name}")
    text = ratio_with_interval(ratio.estimate, ratio.low, ratio.high)
    axes.text(1.02, place, text, transform=axes.get_yaxis_transform(), va="center")


def _by_case(ratios: Overview, implementation: str) -> list[float]:
    """Return the ratio of an implementation in each case that has one."""
    rows = (each for timed in ratios.timed.values() for each in timed)
    return [each.ratio.estimate for each in rows if each.comparison.implementation == implementation]
