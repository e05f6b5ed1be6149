"""Plots of learning curves, and of a metric against what it costs, for each experiment."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import NamedTuple

import pandas as pd

from bench.core.workload import Metric
from bench.report.accuracy import Experiment, Model
from bench.report.accuracy_tables import mean_text
from bench.report.curves import curves
from bench.report.figure import Panel, Series, linear_axis, log_axis
from bench.report.frame import KEYS, group_by_shape
from bench.report.section import Section
from bench.report.units import duration, number, time_unit
from bench.stats.interval import Interval


def curve_panels(section: Section, along: str) -> list[Panel]:
    """Return a plot for each curve of each experiment that has values along epochs, or whatever ``along`` names.

    They are means over seeds, as far as all were trained.
    """
    if section.seed_parameter is None:
        return []
    table = curves([section.run])
    described = {metric.name: metric for metric in section.described}
    plots = []
    for title, cases in group_by_shape(section.rows, section.seed_parameter):
        for name, rows in table.merge(cases[list(KEYS)]).groupby("curve", sort=False):
            metric = described.get(str(name)) or Metric(str(name), str(name).replace("_", " "), "")
            if metric.along == along:
                plots.append(_curve(rows, metric, title))
    return [plot for plot in plots if plot.series]


class Cost(NamedTuple):
    """What a model costs."""

    name: str
    value: Callable[[Model], float]
    """A time, ns, or a number of multiply-accumulates."""
    is_time: bool = True

    def text(self, model: Model) -> str:
        """Return the cost of a model with its unit."""
        return duration(self.value(model)) if self.is_time else f"{number(self.value(model) / 1e6)} MMACs"

    def unit(self, values: pd.Series) -> tuple[float, str]:
        """Return the unit that suits values: its size, and its symbol."""
        return time_unit(values.median()) if self.is_time else (1e6, "millions")


def cost_panels(experiments: Sequence[Experiment], metric: Metric, cost: Cost) -> list[Panel]:
    """Return plots of the mean of ``metric``, with its interval, against a cost."""
    plots = []
    for experiment in experiments:
        models = [(model, mean) for model in experiment.models if (mean := _drawable(model, metric, cost))]
        if models:
            plots.append(_cost(experiment.title, models, metric, cost))
    return plots


def _curve(table: pd.DataFrame, metric: Metric, title: str) -> Panel:
    series = []
    for name, rows in table.groupby("implementation"):
        by_seed = rows.pivot(index="index", columns="case", values="value")
        mean = by_seed.mean(axis=1, skipna=False) * (100 if metric.is_fraction else 1)
        trained = mean.loc[: mean.last_valid_index()]
        if trained.notna().any():
            series.append(Series(str(name), trained.index.tolist(), trained.tolist(), is_line=True))
    heights = [value for line in series for value in line.y if isfinite(value)]
    indices = [index for line in series for index in line.x]
    x, y = linear_axis(metric.along, indices or [1]), linear_axis(_axis_text(metric), heights or [0])
    return Panel(": ".join(filter(None, (title, metric.heading))), x, y, series)


def _drawable(model: Model, metric: Metric, cost: Cost) -> Interval | None:
    """Return the model's mean, or None where it has no mean or no cost that a logarithmic axis can show."""
    return model.means[metric.name] if cost.value(model) > 0 else None


def _cost(title: str, models: Sequence[tuple[Model, Interval]], metric: Metric, cost: Cost) -> Panel:
    values = pd.Series([cost.value(model) for model, _ in models])
    scale, unit = cost.unit(values)
    factor = 100 if metric.is_fraction else 1
    series = []
    heights: list[float] = []
    for model, mean in models:
        ends = [factor * end if isfinite(end) else factor * mean.estimate for end in (mean.low, mean.high)]
        heights += ends
        text = f"{mean_text(metric, mean)}, {cost.text(model)}"
        place = [cost.value(model) / scale], [factor * mean.estimate]
        series.append(Series(model.implementation, *place, [ends[0]], [ends[1]], [text]))
    x = log_axis(f"{cost.name}, {unit}", (values / scale).tolist(), padded=True)
    return Panel(title, x, linear_axis(_axis_text(metric), heights), series)


def _axis_text(metric: Metric) -> str:
    return metric.with_unit(metric.value_unit)
