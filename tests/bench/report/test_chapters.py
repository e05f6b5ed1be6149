"""The chapters of a report, and those that workloads bring."""

import sys
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from bench.core import registry
from bench.core.errors import UsageError
from bench.report.chapter import Chapter, FigureGroup, Part, Report
from bench.report.chapters import chapters
from bench.report.figure import Figure
from bench.report.figures import latency_panels
from bench.report.grid import Column, Grid, GridCell
from bench.report.html import write_report


@pytest.fixture
def own_workload(monkeypatch):
    """Return a function that gives the workload of the records the chapter ``own``, defined by a class."""

    def give(chapter: type[Chapter] | None) -> None:
        package = ModuleType("own_package")
        module = ModuleType("own_package._chapter_own")
        if chapter:
            chapter.__module__ = module.__name__
            module.OwnChapter = chapter
        monkeypatch.setitem(sys.modules, "own_package", package)
        monkeypatch.setitem(sys.modules, "own_package._chapter_own", module)
        known = registry.workload("conv")
        kind = type("OwnWorkload", (SimpleNamespace,), {"__module__": "own_package.workload"})
        monkeypatch.setattr(registry, "workload", lambda name: kind(**(vars(known) | {"chapters": ("own",)})))

    return give


class OwnChapter(Chapter):
    """The number of records, with a table and a figure."""

    name = "own"
    title = "A chapter of its own"

    def content(self, report: Report) -> Mapping[str, Any] | None:
        (section,) = report.sections
        if len(section.rows) < 2:
            return None
        table = Grid([Column("Implementation"), Column("Cases")], [[GridCell("pytorch"), GridCell("2")]])
        legend = [(name, style, True) for name, style in report.styles(section).items()]
        figure = Figure("Own figure", "", latency_panels(section.rows, "groups"))
        part = Part(
            section.title, section.run.name, ["Two <b> records."], [("Counts", table)], FigureGroup(legend, [figure])
        )
        return {"parts": [part]}


@pytest.fixture
def runs(make_record, make_run):
    return [make_run([make_record(parameters={"groups": groups}) for groups in (1, 4)])]


def test_the_recommendation_is_first_and_the_definitions_are_last(runs):
    names = [chapter.name for chapter in chapters(Report(runs))]
    assert names == [
        "recommendation",
        "comparison",
        "whole-models",
        "models",
        "building",
        "figures",
        "results",
        "details",
        "setting",
        "reading",
    ]


def test_a_workload_brings_a_chapter_of_text_table_and_figure(runs, own_workload, tmp_path):
    own_workload(OwnChapter)
    text = write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8")
    chapter = text[text.index('<section id="own"') : text.index('<section id="figures"')]
    for expected in ("A chapter of its own", "Two &lt;b&gt; records.", "<h4>Counts</h4>", '"heading":"Own figure"'):
        assert expected in chapter
    assert '<a href="#own">A chapter of its own</a>' in text


def test_a_chapter_that_does_not_apply_is_left_out(make_record, make_run, own_workload, tmp_path):
    own_workload(OwnChapter)
    text = write_report([make_run([make_record()])], tmp_path / "report.html").read_text(encoding="utf-8")
    assert "A chapter of its own" not in text


def test_a_chapter_that_cannot_be_loaded_is_a_usage_error(runs, own_workload, tmp_path):
    own_workload(None)
    with pytest.raises(UsageError, match="chapter own of workload conv cannot be loaded: TypeError"):
        write_report(runs, tmp_path / "report.html")
