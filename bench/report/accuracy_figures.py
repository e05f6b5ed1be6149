"""Figures of learning curves, and of a metric against time, for each experiment."""

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
"""Largest number of markers on a line; they identify it without its colour."""
_DIGITS = 6
"""Significant digits of a mean in a figure; few of them keep the page small."""


def learning_figures(section: Section, style: Mapping[str, Style]) -> list[go.Figure]:
    """Return a figure for each curve of each experiment: the mean over seeds by epoch, as far as all were trained."""
    if section.seed_parameter is None:
        return []
    table = curves([section.run])
    described = {metric.name: metric for metric in section.described}
    figures = []
    for title, cases in panels(section.rows, section.seed_parameter):
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
    """Return figures of the mean of ``metric``, with its interval, against a time (ns) that ``what`` names."""
    figures = []
    for experiment in experiments:
        models = [(model, mean) for model in experiment.models if (mean := _drawable(model, metric, nanoseconds))]
        if models:
            figures.append(_cost(experiment.title, models, metric, what, nanoseconds, style))
    return figures


def _learning(table: pd.DataFrame, metric: Metric, title: str, style: Mapping[str, Style]) -> go.Figure:
    figure = go.Figure(layout=layout(": ".join(filter(None, (title, metric.heading)))))
    for name, rows in table.groupby("implementation"):
        by_seed = rows.pivot(index="epoch", columns="case", values="value")
        mean = by_seed.mean(axis=1, skipna=False) * (100 if metric.is_fraction else 1)
        trained = mean.loc[: mean.last_valid_index()]
        figure.add_trace(_learning_line(trained, str(name), style[str(name)]))
    figure.update_xaxes(title=axis_title("epoch"), **AXIS)
    figure.update_yaxes(title=axis_title(_axis_text(metric)), **AXIS)
    return figure


def _learning_line(mean: "pd.Series[float]", name: str, style: Style) -> go.Scatter:
    rows = pd.DataFrame({"x": mean.index, "y": [float(f"{value:.{_DIGITS}g}") for value in mean]})
    line = points(rows, name, style, [], connectgaps=False)
    hover = f"<b>{escape(name)}</b><br>epoch %{{x}}: %{{y:.4g}}<extra></extra>"
    return line.update(hovertemplate=hover, customdata=None, marker={"maxdisplayed": _MARKED, "size": style.size - 2})


def _drawable(model: Model, metric: Metric, nanoseconds: Callable[[Model], float]) -> Interval | None:
    """Return the model's mean, or None where it has no mean or no time that a logarithmic axis can show."""
    return model.means[metric.name] if nanoseconds(model) > 0 else None


def _cost(
    title: str,
    models: Sequence[tuple[Model, Interval]],
    metric: Metric,
    what: str,
    nanoseconds: Callable[[Model], float],
    style: Mapping[str, Style],
) -> go.Figure:
    figure = go.Figure(layout=layout(title))
    times = pd.Series([nanoseconds(model) for model, _ in models])
    scale, unit = time_unit(times.median())
    for model, mean in models:
        name, time = model.implementation, nanoseconds(model)
        hover = f"<b>{escape(name)}</b><br>{mean_text(metric, mean)}<br>{duration(time)}"
        factor = 100 if metric.is_fraction else 1
        row = pd.DataFrame({"x": [time / scale], "y": [factor * mean.estimate]})
        bars = _bars(factor * (mean.high - mean.estimate), style[name])
        figure.add_trace(points(row, name, style[name], [hover], error_y=bars).update(mode="markers"))
    figure.update_xaxes(title=axis_title(f"{what}, {unit}"), range=padded(times / scale), **log_axis(times / scale))
    figure.update_yaxes(title=axis_title(_axis_text(metric)), **AXIS)
    return figure


def _bars(reach: float, style: Style) -> dict[str, object]:
    """Return error bars of this half-width, hidden where it is infinite, as with a single seed."""
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
    return escape(f"{metric.title}, %" if metric.is_fraction else metric.title)
