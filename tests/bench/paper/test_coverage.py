"""Coverage counts claims that are decided as a whole, and those that are decided in part."""

from types import SimpleNamespace
from typing import Any

from bench.claims.model import Origin
from bench.claims.rule import ClaimVerdict
from bench.paper.coverage import by_origin, coverage


def outcome(claim: str, verdict: ClaimVerdict, origin: Origin = Origin.PAPER) -> Any:
    return SimpleNamespace(claim=SimpleNamespace(id=claim, origin=origin), verdict=verdict)


OUTCOMES = [
    outcome("whole", ClaimVerdict.HOLDS),
    outcome("whole", ClaimVerdict.DIFFERS),
    outcome("part", ClaimVerdict.HOLDS),
    outcome("part", ClaimVerdict.INCONCLUSIVE),
    outcome("open", ClaimVerdict.INCONCLUSIVE),
]


def test_a_claim_is_decided_where_all_its_verdicts_are() -> None:
    covered = coverage(OUTCOMES)
    assert (covered.claims, covered.decided, covered.partly) == (3, 1, 1)
    assert covered.text() == "3 claims, 1 decided, 1 in part; 5 verdicts: 2 holds, 1 differs, 2 inconclusive"


def test_checks_are_counted_by_themselves() -> None:
    by = by_origin([*OUTCOMES, outcome("own", ClaimVerdict.HOLDS, Origin.CHECK)])
    assert list(by) == [Origin.PAPER, Origin.CHECK]
    assert by[Origin.CHECK].text() == "1 claim, 1 decided; 1 verdict: 1 holds"
