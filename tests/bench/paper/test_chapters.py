"""A recipe brings chapters to its paper's page: their numbers have evidence, and their tables have files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.claims.cells import LATENCY
from bench.claims.model import Measure
from bench.core.record import Record
from bench.paper.build import Paper, build, open_paper
from bench.paper.content import Chapter, Table
from bench.paper.data import PaperData
from bench.report.query import Query
from bench.store import Run

PAPERS = Path(__file__).parents[3] / "reports/papers"
QUERY = Query(workload="grouped_conv2d", suite="quick", impl=("native",), case=("groups=8", "cin=64"))


def chapter(data: PaperData) -> Chapter | None:
    """Return a chapter with a measured number in a sentence and in a table."""
    for within in data.by_machine(QUERY).values():
        (cell,) = within.cells(QUERY, Measure(quantity=LATENCY))
        number = within.number(cell, "ns")
        table = Table("times", "Times", "Of one case.", ["implementation", "time"], [["native", number]])
        sentence = ["A call takes ", number, "; see ", data.verdict_counts("gspc-over-pytorch"), "."]
        return Chapter("own-chapter", "A chapter of its own", [sentence], [table])
    return None


@pytest.fixture
def paper() -> Paper:
    opened = open_paper("gspc", PAPERS)
    return replace(opened, recipe=replace(opened.recipe, tables=(), figures=(), chapters=(chapter,)))


def test_a_chapter_stands_on_the_page_with_its_evidence(
    paper: Paper, tmp_path: Path, record: Callable[..., Record], create: Callable[..., Run]
) -> None:
    run = create()
    run.append([record("native", case="cin=64,cout=64,h=56,w=56,groups=8")])
    built = build(paper, [run], tmp_path / "page")
    text = built.page.read_text()
    assert '<h2 id="own-chapter-heading">A chapter of its own</h2>' in text
    assert '<a href="#own-chapter">A chapter of its own</a>' in text
    assert '<p>A call takes <a class="measured" href="#evidence-1">' in text
    assert '<a href="#claim-gspc-over-pytorch">insufficient data</a>.</p>' in text
    assert f"featherbench report {run.folder.as_posix()}" in text
    assert (built.page.parent / "times.csv").read_text().startswith("implementation,time,")
    assert [table.name for table in built.tables] == ["times"]


def test_a_chapter_without_its_records_is_left_out(paper: Paper, tmp_path: Path) -> None:
    assert "own-chapter" not in build(paper, [], tmp_path).page.read_text()
