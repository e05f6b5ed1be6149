"""Figures of mean speed-ups: a panel for each kind of machine, a line for each implementation."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from bench.claims.machines import MachineKind
from bench.paper.content import Measured
from bench.paper.drawing import INK, add_legend, new_figure, series_style, set_logarithmic

CAPTION = "Geometric means over cases, with 95 % intervals where they are wider than the marker."


class SpeedupPoint(NamedTuple):
    """A mean speed-up in a figure."""

    machine: MachineKind
    implementation: str
    setting: str
    """Its value on the horizontal axis."""
    mean: Measured


def speedup_data(points: Sequence[SpeedupPoint]) -> pd.DataFrame:
    """Return what is drawn, one row for each point."""
    return pd.DataFrame(
        {"machine": point.machine.name, "machine id": point.machine.id}
        | {"implementation": point.implementation, "setting": point.setting}
        | {"speedup": point.mean.interval.estimate, "low": point.mean.interval.low, "high": point.mean.interval.high}
        | {"cases": point.mean.cases, "records": len(point.mean.records)}
        for point in points
    )


def draw_speedups(
    data: pd.DataFrame, titles: Mapping[str, str], settings: Sequence[str], x_label: str, y_label: str
) -> Figure:
    """Draw mean speed-ups against settings.

    Args:
        data: from ``speedup_data``.
        titles: the label of each implementation, in the order of the legend.
        settings: all settings in the order of the axis.
        x_label: what the settings are.
        y_label: what is faster than what.
    """
    machines = dict(zip(data["machine id"], data["machine"], strict=True))
    figure, panels = new_figure(columns=len(machines), width=7.6, height=4.2, share_y=True)
    for axes, (machine_id, machine) in zip(panels, machines.items(), strict=True):
        for index, (name, title) in enumerate(titles.items()):
            rows = data[(data["implementation"] == name) & (data["machine id"] == machine_id)]
            if rows.empty:
                continue
            colour, marker = series_style(index)
            x = [settings.index(setting) for setting in rows["setting"]]
            bars = [rows["speedup"] - rows["low"], rows["high"] - rows["speedup"]]
            axes.errorbar(x, rows["speedup"], bars, color=colour, marker=marker, markersize=5, label=title)
        axes.axhline(1, color=INK, linewidth=1)
        set_logarithmic(axes, "y")
        axes.set_xticks(range(len(settings)), list(settings))
        axes.set_xlabel(x_label)
        axes.set_title(machine, fontsize=8)
    panels[0].set_ylabel(y_label)
    add_legend(figure, panels, columns=3)
    return figure
