"""The figures of each section."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.core.workload import EPOCH
from bench.report.accuracy import experiments
from bench.report.accuracy_figures import Cost, cost_panels, curve_panels
from bench.report.chapter import Chapter, FigureGroup, Report
from bench.report.choice import SectionChoice
from bench.report.figure import Figure
from bench.report.figures import latency_panels, memory_panels
from bench.report.roofline import roofline_panel
from bench.report.section import Section

MAX_SHOWN = 5
"""Maximum number of implementations that figures show before the reader asks for more."""


@dataclass(frozen=True)
class SectionFigures:
    """The figures of one section."""

    run: str
    title: str
    group: FigureGroup


class FiguresChapter(Chapter):
    """Latency, memory, roofline and curves of each section."""

    name = "figures"
    title = "Figures"
    template = "figures.html"

    def content(self, report: Report) -> Mapping[str, Any]:
        sections = [_section_figures(report, section) for section in report.sections]
        captions = {figure.heading: figure.caption for section in sections for figure in section.group.figures}
        return {"sections": sections, "captions": captions}


def _section_figures(report: Report, section: Section) -> SectionFigures:
    rows = section.rows[section.rows["status"] == "passed"]
    passed = sorted(str(name) for name in rows["implementation"].unique())
    style, shown = report.styles(section), _shown(section, report.choice(section), passed)
    legend = [(name, style[name], name in shown) for name in passed]
    figures = [
        *_curves(section),
        *_cost(report, section),
        *_latency(section, shown),
        *_roofline(section),
        *_memory(section, shown),
    ]
    return SectionFigures(section.run.name, section.title, FigureGroup(legend, figures))


def _shown(section: Section, choice: SectionChoice | None, passed: Sequence[str]) -> set[str]:
    """Return the implementations that are shown at first: the baseline, and those that are best."""
    if choice is None:
        leading = [trained.leader.implementation for trained in experiments(section) if trained.leader]
    elif choice.overall.choice:
        leading = [contender.name for contender in choice.overall.choice.contenders]
    else:
        leading = list(choice.surely_fastest)
    baseline = [name for name in passed if name == section.baseline]
    order = dict.fromkeys([*baseline, *leading, *passed])
    return set(list(order)[:MAX_SHOWN])


def _curves(section: Section) -> list[Figure]:
    figures = []
    for along in dict.fromkeys((EPOCH, *(metric.along for metric in section.described))):
        title = "Learning curves" if along == EPOCH else f"Curves by {along}"
        over = f"over all values of {section.seed_parameter}, by {along}"
        if panels := curve_panels(section, along):
            figures.append(Figure(title, f"The mean {over}, as far as all of its models were trained.", panels))
    return figures


def _cost(report: Report, section: Section) -> list[Figure]:
    trained = experiments(section)
    if not trained:
        return []
    metric = section.metrics[0]
    caption = (
        f"{metric.heading}: the mean over all values of {section.seed_parameter} with its 95 % interval, against the "
        "median over them of"
    )
    findings = {"latency": report.macs_finding(section)}
    costs = (
        ("MACs", "the multiply-accumulates per call", Cost("MACs per call", lambda model: model.macs, is_time=False)),
        ("latency", "the latency per call", Cost("latency per call", lambda model: model.latency_ns)),
        (
            "training time",
            "the time of the training",
            Cost("training time", lambda model: 1e9 * model.training_s),
        ),
    )
    return [
        Figure(f"{metric.heading} against {what}", f"{caption} {text}.", panels, finding=findings.get(what, ""))
        for what, text, cost in costs
        if (panels := cost_panels(trained, metric, cost))
    ]


def _latency(section: Section, shown: Collection[str]) -> list[Figure]:
    if section.sweep is None:
        return []
    panels = latency_panels(section.rows, section.sweep, shown)
    caption = (
        f"Latency per call with its 95 % interval against {section.sweep}; lower is faster. A plot for each shape."
    )
    return [Figure(f"Latency against {section.sweep}", caption, panels)] if panels else []


def _roofline(section: Section) -> list[Figure]:
    machine = section.run.info.machine
    panel = roofline_panel(section.rows, machine.peaks, machine.threads)
    if panel is None:
        return []
    roofs = (
        "Lines are what this machine was measured to attain: flat, its arithmetic peak; sloping, its memory bandwidth."
        if machine.peaks
        else "The machine's peaks were not measured, so there are no roofs; featherbench doctor measures them."
    )
    caption = f"Attained speed against the work's FLOP per byte that must move; higher is better. {roofs}"
    return [Figure("Roofline", caption, [panel], is_wide=True)]


def _memory(section: Section, shown: Collection[str]) -> list[Figure]:
    repeated = section.sweep is None and section.seed_parameter is not None
    panels = memory_panels(section.rows, section.sweep or section.seed_parameter, shown, frontier=not repeated)
    caption = (
        "Memory (what preparing left behind and the peak of a call, together) against latency; lower and further left "
        "is better. "
    ) + (
        f"A point for each {section.seed_parameter}."
        if repeated
        else "A dotted line joins the implementations that no other beats in both, for each case; "
        "grey dots are hidden ones."
    )
    return [Figure("Memory against latency", caption, panels)] if panels else []
