"""The chapter on peeking, from a committed run."""

from pathlib import Path

from bench.report.chapter import Report
from bench.store import Run
from impls.node_classification._chapter_peeking import PeekingChapter

RUN = Path(__file__).parents[3] / "results/reference/node_classification-equal-edge-zen5"


def test_both_protocols_stand_side_by_side() -> None:
    report = Report([Run.open(RUN)])
    content = PeekingChapter().content(report)
    assert content is not None
    (part,) = content["parts"]
    (heading, table) = part.tables[0]
    assert "by either protocol" in heading
    assert len(table.lines) > 1
    for line in table.lines:
        sound, peeking = (float(cell.aside.split("\u00a0")[0]) for cell in line[1:3])
        assert peeking >= sound, "the best of all epochs is at least as good as any one of them"
    assert part.sentences[0].startswith("The best test accuracy of any epoch is higher")


def test_a_run_that_trains_nothing_has_no_such_chapter() -> None:
    run = Run.open(RUN.with_name("graph_propagation-graphs-edge-zen5"))
    assert PeekingChapter().content(Report([run])) is None
