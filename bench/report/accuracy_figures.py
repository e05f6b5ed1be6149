"""How models learned, and what their accuracy costs in time; a figure for each experiment."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from math import isfinite

import pandas as pd
import plotly.graph_objects as go

from bench.core.workload import Metric
from bench.report.accuracy import Experiment, Model
from bench.report.accuracy_tables import mean_text
from bench.report.curves import curves
from bench.report.figures import AXIS, axis_title, layout, log_axis, padded, points
from bench.report.frame import KEYS, panels
from bench.report.palette import Style
from bench.report.section import Section
from bench.report.units import duration, time_unit
from bench.stats.interval import Interval

_MARKED = 8
"""Epochs of a line that have a marker, by which it is known without its colour."""
_DIGITS = 6
"""Of a mean in a figure: there are many, and the page holds them all."""


def learning_figures(section: Section, style: Mapping[str, Style]) -> list[go.Figure]:
    """Each curve of each experiment, by epoch: its mean over the seeds, as far as all of them trained."""
    if section.repeats is None:
        return []
    table = curves([section.run])
    described = {metric.name: metric for metric in section.described}
    figures = []
    for title, cases in panels(section.rows, section.repeats):
        for name, rows in table.merge(cases[list(KEYS)]).groupby("curve", sort=False):
            metric = described.get(str(name)) or Metric(str(name), str(name).replace("_", " "), "")
            figures.append(_learning(rows, metric, title, style))
    return figures


def cost_figures(
    experiments: Sequence[Experiment],
    metric: Metric,
    what: str,
    nanoseconds: Callable[[Model], float],
    style: Mapping[str, Style],
) -> list[go.Figure]:
    """The mean of ``metric`` with its interval against a time, which ``what`` names."""
    figures = []
    for experiment in experiments:
        placed = [(model, mean) for model in experiment.models if (mean := _drawable(model, metric, nanoseconds))]
        if placed:
            figures.append(_cost(experiment.title, placed, metric, what, nanoseconds, style))
    return figures


def _learning(table: pd.DataFrame, metric: Metric, title: str, style: Mapping[str, Style]) -> go.Figure:
    figure = go.Figure(layout=layout(": ".join(filter(None, (title, metric.heading)))))
    for name, rows in table.groupby("implementation"):
        by_seed = rows.pivot(index="epoch", columns="case", values="value")
        mean = by_seed.mean(axis=1, skipna=False) * (100 if metric.share else 1)
        reached = mean.loc[: mean.last_valid_index()]
        figure.add_trace(_learning_line(reached, str(name), style[str(name)]))
    figure.update_xaxes(title=axis_title("epoch"), **AXIS)
    figure.update_yaxes(title=axis_title(_axis_text(metric)), **AXIS)
    return figure


def _learning_line(mean: "pd.Series[float]", name: str, style: Style) -> go.Scatter:
    rows = pd.DataFrame({"x": mean.index, "y": [float(f"{value:.{_DIGITS}g}") for value in mean]})
    line = points(rows, name, style, [], connectgaps=False)
    hover = f"<b>{escape(name)}</b><br>epoch %{{x}}: %{{y:.4g}}<extra></extra>"
    return line.update(hovertemplate=hover, customdata=None, marker={"maxdisplayed": _MARKED, "size": style.size - 2})


def _drawable(model: Model, metric: Metric, nanoseconds: Callable[[Model], float]) -> Interval | None:
    """The model's mean, where it has one and a time, without which it has no place on a logarithmic axis."""
    return model.means[metric.name] if nanoseconds(model) > 0 else None


def _cost(
    title: str,
    placed: Sequence[tuple[Model, Interval]],
    metric: Metric,
    what: str,
    nanoseconds: Callable[[Model], float],
    style: Mapping[str, Style],
) -> go.Figure:
    figure = go.Figure(layout=layout(title))
    times = pd.Series([nanoseconds(model) for model, _ in placed])
    scale, unit = time_unit(times.median())
    for model, mean in placed:
        name, time = model.implementation, nanoseconds(model)
        hover = f"<b>{escape(name)}</b><br>{mean_text(metric, mean)}<br>{duration(time)}"
        factor = 100 if metric.share else 1
        row = pd.DataFrame({"x": [time / scale], "y": [factor * mean.estimate]})
        bars = _bars(factor * (mean.high - mean.estimate), style[name])
        figure.add_trace(points(row, name, style[name], [hover], error_y=bars).update(mode="markers"))
    figure.update_xaxes(title=axis_title(f"{what}, {unit}"), range=padded(times / scale), **log_axis(times / scale))
    figure.update_yaxes(title=axis_title(_axis_text(metric)), **AXIS)
    return figure


def _bars(reach: float, style: Style) -> dict[str, object]:
    """Hidden where the interval is infinite, as that of a single seed."""
    shown = isfinite(reach)
    return {
        "type": "data",
        "array": [reach if shown else 0],
        "visible": shown,
        "color": style.colour,
        "thickness": 1.5,
        "width": 4,
    }


def _axis_text(metric: Metric) -> str:
    return escape(f"{metric.title}, %" if metric.share else metric.title)
