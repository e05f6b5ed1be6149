"""The list of evidence says what each record says, and which runs to look at."""

from collections.abc import Callable
from typing import Any

from bench.claims.evidence import references
from bench.core.record import Check, Record
from bench.paper.evidence_list import EvidenceList
from bench.report.query import Match
from bench.store import Run


def test_a_record_shows_its_latency_and_primary_metric(
    create: Callable[..., Run], record: Callable[..., Record], failed: Callable[..., Record]
) -> None:
    trained: dict[str, Any] = {
        "workload": "node_classification",
        "case": "recipe=plain",
        "check": Check(passed=True, metrics={"accuracy": 0.8153}),
    }
    run, other = create("run"), create("other")
    run.append([record("im2col"), failed("native"), record("gcn3", **trained), record("pytorch")])
    evidence = EvidenceList()
    matches = [Match(run, each) for each in run.records]
    assert evidence.anchor(references(matches[:2])) == "evidence-1"
    assert evidence.anchor(references(matches[2:3])) == "evidence-2"
    assert evidence.anchor(references(matches[:2])) == "evidence-1"
    assert {(each.number, each.ref.key.implementation, each.result) for each in evidence.records([other, run])} == {
        (1, "im2col", "3.500\u00a0ns"),
        (2, "native", "failed"),
        (3, "gcn3", "3.500\u00a0ns, test accuracy 81.53\u00a0%"),
    }
    assert evidence.runs([other, run]) == [run]
