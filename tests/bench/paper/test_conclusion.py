"""Each claim has one conclusion from all of its verdicts, and a page says in words how many have each."""

from types import SimpleNamespace
from typing import Any

import pytest

from bench.claims.model import Origin
from bench.claims.rule import ClaimVerdict
from bench.paper.conclusion import Conclusion, conclude, conclusions, conclusions_text

V = ClaimVerdict


def outcome(claim: str, verdict: ClaimVerdict, origin: Origin = Origin.PAPER) -> Any:
    return SimpleNamespace(claim=SimpleNamespace(id=claim, origin=origin), verdict=verdict)


@pytest.mark.parametrize(
    ("verdicts", "conclusion"),
    [
        ([V.HOLDS, V.HOLDS_STRONGER], Conclusion.HOLDS),
        ([V.DIFFERS, V.DIFFERS], Conclusion.DIFFERS),
        ([V.FAILS], Conclusion.FAILS),
        ([V.HOLDS, V.DIFFERS], Conclusion.MIXED),
        ([V.HOLDS, V.INCONCLUSIVE], Conclusion.PARTLY),
        ([V.DIFFERS, V.INSUFFICIENT_DATA], Conclusion.PARTLY),
        ([V.INCONCLUSIVE, V.NOT_ATTEMPTED], Conclusion.UNDECIDED),
        ([V.UNSUPPORTED], Conclusion.UNDECIDED),
        ([V.ERROR], Conclusion.UNDECIDED),
        ([V.NOT_ATTEMPTED, V.NOT_ATTEMPTED], Conclusion.NOT_ATTEMPTED),
    ],
)
def test_all_verdicts_on_a_claim_make_its_conclusion(verdicts: list[ClaimVerdict], conclusion: Conclusion) -> None:
    assert conclude(verdicts) is conclusion


def test_every_verdict_has_a_conclusion() -> None:
    assert {conclude([verdict]) for verdict in ClaimVerdict} == set(Conclusion) - {Conclusion.MIXED, Conclusion.PARTLY}


def test_claims_are_grouped_by_origin_and_conclusion() -> None:
    grouped = conclusions(
        [
            outcome("open", V.INCONCLUSIVE),
            outcome("cells", V.HOLDS),
            outcome("cells", V.DIFFERS),
            outcome("cells", V.HOLDS),
            outcome("one", V.HOLDS),
            outcome("more", V.HOLDS_STRONGER),
            outcome("own", V.DIFFERS, Origin.CHECK),
        ]
    )
    claims = {(origin, kind): each for origin, group in grouped.items() for kind, each in group.items()}
    assert {place: [(each.claim.id, each.remark) for each in group] for place, group in claims.items()} == {
        (Origin.PAPER, Conclusion.HOLDS): [("one", ""), ("more", "holds more strongly")],
        (Origin.PAPER, Conclusion.MIXED): [("cells", "2 holds, 1 differs")],
        (Origin.PAPER, Conclusion.UNDECIDED): [("open", "inconclusive")],
        (Origin.CHECK, Conclusion.DIFFERS): [("own", "")],
    }
    assert conclusions_text(grouped[Origin.PAPER]) == (
        "of 4 claims, 2 hold, 1 has mixed results and 1 could not be decided"
    )
    assert conclusions_text(grouped[Origin.CHECK]) == "of 1 claim, 1 differs"


def test_headings_are_what_the_page_says() -> None:
    assert [each.heading for each in Conclusion] == [
        "Holds",
        "Fails",
        "Differs",
        "Mixed results",
        "Decided in part",
        "Could not be decided",
        "Not attempted",
    ]
