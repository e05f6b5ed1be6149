"""The report as one self-contained HTML page, for screen and paper, which loads nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import plotly.graph_objects as go
import plotly.io as pio
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from bench.core.errors import RunError, UsageError
from bench.core.workload import Metric
from bench.report.accuracy import Experiment, experiments
from bench.report.accuracy_figures import cost_figures, learning_figures
from bench.report.accuracy_tables import differences_table, means_table
from bench.report.compare import CONFIDENCE, DEFAULT_MARGIN, compare_each
from bench.report.figures import latency_figures, memory_figures
from bench.report.frame import frame
from bench.report.grid import Grid
from bench.report.palette import Style, styles
from bench.report.roofline import roofline_figure
from bench.report.section import Section, all_parameters, sections
from bench.report.setting import setting
from bench.report.summary import noise, summarise
from bench.report.table import results_table
from bench.report.units import percent
from bench.report.whole_model import WholeModel, whole_model
from bench.report.whole_model_table import choices_text, model_table
from bench.stats.repeats import ALPHA
from bench.store import Run

_TEMPLATES = Path(__file__).parent / "templates"


class Panel(NamedTuple):
    """One of the plots of a figure."""

    title: str
    data: Markup
    """Plotly's data and layout, as JSON that is safe inside a script element."""


@dataclass(frozen=True)
class Plots:
    """One kind of figure for one section: a plot for each panel."""

    heading: str
    caption: str
    panels: list[Panel]
    wide: bool = False


@dataclass(frozen=True)
class SectionFigures:
    """A section's figures, with the legend that they share."""

    run: str
    title: str
    legend: list[tuple[str, Style]]
    figures: list[Plots]


@dataclass(frozen=True)
class Models:
    """The trained models of one section over their seeds; without tables where it has none."""

    run: str
    title: str
    shared: str
    """The parameters that they share; empty where there are none."""
    tables: list[tuple[Experiment, Grid, Grid]]
    """Each experiment with its means and its differences."""
    metrics: Sequence[Metric]
    """The metrics that the page explains."""


@dataclass(frozen=True)
class MeasuredModel:
    """A model whose layers were measured, with the table of its totals."""

    whole: WholeModel
    table: Grid
    choices: str
    """How the best mix is made up; empty where there is none."""


def write_report(runs: Sequence[Run], path: Path, axis: str | None = None) -> Path:
    """Write the report of ``runs`` to ``path``, one HTML file, and return its path.

    Args:
        runs: the runs to report.
        path: the file to write.
        axis: the parameter on the horizontal axis of latency figures, in place of each workload's own.

    Raises:
        UsageError: where there is nothing to report, two runs have the same name, or no case has parameter ``axis``.
        RunError: where ``path`` cannot be written.
    """
    names = [run.name for run in runs]
    if not any(run.records for run in runs):
        raise UsageError(f"nothing to report: no records in {', '.join(names) or 'no run'}; choose another run")
    if len(set(names)) < len(names):
        raise UsageError("two of the runs have the same name; report them one by one")
    page = _page(runs, axis)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}; choose another place") from None
    return path


def _page(runs: Sequence[Run], axis: str | None) -> str:
    table, comparisons = frame(runs), compare_each(runs)
    if axis and axis not in (choices := all_parameters(table)):
        raise UsageError(f"no case has a parameter {axis!r}; choose from {', '.join(choices)}")
    parts = list(sections(runs, table, comparisons, axis))
    workload_styles = {name: styles(rows["implementation"]) for name, rows in table.groupby("workload")}
    trained = [models for part in parts if (models := _models(part)).tables]
    elsewhere = [run.name for run in runs if _timed_elsewhere(run)]
    measured_models = [
        MeasuredModel(whole, model_table(whole), choices_text(whole)) for run in runs if (whole := whole_model(run))
    ]
    return (
        _templates()
        .get_template("report.html")
        .render(
            runs=runs,
            many=len(runs) > 1,
            noises=[(run.name, noise(run)) for run in runs],
            summaries=[summarise(part) for part in parts],
            models=measured_models,
            trained=trained,
            metrics=list(dict.fromkeys(metric for part in trained for metric in part.metrics)),
            table=results_table(table, comparisons, [metric for part in parts for metric in part.described]),
            figures=[_section_figures(part, workload_styles[part.workload]) for part in parts],
            settings=[setting(run) for run in runs],
            elsewhere=elsewhere,
            on_gpu=any(run.info.on_gpu for run in runs),
            in_turns=len(elsewhere) < len(runs),
            confidence=percent(CONFIDENCE, 2),
            alpha=ALPHA,
            default_margin=percent(DEFAULT_MARGIN, 1),
            plotly=_plotly(),
        )
    )


def _models(section: Section) -> Models:
    tables = [
        (experiment, means_table(experiment), differences_table(experiment)) for experiment in experiments(section)
    ]
    return Models(section.run.name, section.title, section.shared, tables, section.described)


def _timed_elsewhere(run: Run) -> bool:
    """Whether another tool did the timing."""
    return any(record.latency is not None and record.latency.stopped is None for record in run.records)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.globals["inline"] = _inline
    return environment


def _breakable(text: str) -> Markup:
    """Return ``text`` as HTML that may break after each comma of a case's slug and each underscore of a name."""
    return escape(text).replace(",", Markup(",<wbr>")).replace("_", Markup("_<wbr>"))


def _inline(name: str) -> Markup:
    """Return one of the project's own style sheets or scripts, unescaped."""
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


def _plotly() -> Markup:
    return Markup(get_plotlyjs())


def _panel(figure: go.Figure) -> Panel:
    """Return a panel for the page, which shows its title and legend outside the plot, where they wrap.

    No ``<`` is left in the data that could end the script element.
    """
    figure.update_layout(showlegend=False, title=None, margin_t=30)
    text: str = pio.to_json(figure)
    return Panel(
        figure.layout.meta, Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
    )


def _section_figures(section: Section, style: Mapping[str, Style]) -> SectionFigures:
    passed = section.rows[section.rows["status"] == "passed"]["implementation"]
    legend = [(name, style[name]) for name in sorted(set(passed))]
    figures = [*_learning(section, style), *_cost(section, style)]
    figures += [*_latency(section, style), *_roofline(section, style), *_memory(section, style)]
    return SectionFigures(section.run.name, section.title, legend, figures)


def _learning(section: Section, style: Mapping[str, Style]) -> list[Plots]:
    panels = [_panel(figure) for figure in learning_figures(section, style)]
    caption = (
        f"The mean over all values of {section.seed_parameter}, by epoch, as far as all of its models were trained."
    )
    return [Plots("Learning curves", caption, panels)] if panels else []


def _cost(section: Section, style: Mapping[str, Style]) -> list[Plots]:
    trained = experiments(section)
    if not trained:
        return []
    metric = section.metrics[0]
    calls = cost_figures(trained, metric, "latency of a call", lambda model: model.latency_ns, style)
    training = cost_figures(trained, metric, "training", lambda model: 1e9 * model.prepare_s, style)
    caption = (
        f"{metric.heading}: the mean over all values of {section.seed_parameter} with its 95 % interval, against the "
        "median over them of"
    )
    return [
        Plots(f"{metric.heading} against {what}", f"{caption} {time}.", [_panel(figure) for figure in figures])
        for what, time, figures in (
            ("latency", "the time of a call", calls),
            ("training time", "all that preparing took", training),
        )
        if figures
    ]


def _latency(section: Section, style: Mapping[str, Style]) -> list[Plots]:
    if section.sweep is None:
        return []
    panels = [_panel(figure) for figure in latency_figures(section.rows, section.sweep, style)]
    caption = (
        f"Median time a call with its 95 % interval, against {section.sweep}; lower is faster. A panel for each shape."
    )
    return [Plots(f"Latency against {section.sweep}", caption, panels)] if panels else []


def _roofline(section: Section, style: Mapping[str, Style]) -> list[Plots]:
    peaks = section.run.info.machine.peaks
    figure = roofline_figure(section.rows, peaks, section.run.info.machine.threads, style)
    if figure is None:
        return []
    roofs = (
        "Lines are what this machine was measured to attain: flat, its arithmetic peak; sloping, its memory bandwidth."
        if peaks
        else "The machine's peaks were not measured, so there are no roofs; featherbench doctor measures them."
    )
    caption = f"Attained speed against the work's FLOP per byte that must move; higher is better. {roofs}"
    return [Plots("Roofline", caption, [_panel(figure)], wide=True)]


def _memory(section: Section, style: Mapping[str, Style]) -> list[Plots]:
    repeated = section.sweep is None and section.seed_parameter is not None
    figures = memory_figures(section.rows, section.sweep or section.seed_parameter, style, frontier=not repeated)
    panels = [_panel(figure) for figure in figures]
    caption = (
        "Memory (what preparing left behind and the peak of a call, together) against time; lower and further left is "
        "better. "
    ) + (
        f"A point for each {section.seed_parameter}."
        if repeated
        else "A dotted line joins the implementations that no other beats in both, for each case."
    )
    return [Plots("Memory against latency", caption, panels)] if panels else []
