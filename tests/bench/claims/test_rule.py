"""Rules are decided on intervals."""

import math
from decimal import Decimal

import pytest
from pydantic import ValidationError

from bench.claims.rule import Band, Rule, Verdict
from bench.core.errors import UsageError
from bench.stats.interval import Interval


def interval(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, 0.95)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.9, 2.1, Verdict.HOLDS),
        (1.8, 2.2, Verdict.HOLDS),
        (1.7, 2.1, Verdict.INCONCLUSIVE),
        (1.9, 2.3, Verdict.INCONCLUSIVE),
        (1.0, 3.0, Verdict.INCONCLUSIVE),
        (1.0, 1.7, Verdict.DIFFERS),
        (2.3, 2.4, Verdict.DIFFERS),
        (-math.inf, math.inf, Verdict.INSUFFICIENT_DATA),
    ],
)
def test_the_whole_interval_decides(low: float, high: float, verdict: Verdict) -> None:
    assert Band(1.8, 2.2).place(interval(low, high)) is verdict


def test_beyond_the_band_in_the_claimed_direction_it_holds_more_strongly() -> None:
    higher = Band(1.8, 2.2, "higher")
    assert higher.place(interval(2.3, 2.4)) is Verdict.HOLDS_STRONGER
    assert higher.place(interval(2.1, 2.4)) is Verdict.HOLDS
    assert higher.place(interval(1.0, 1.7)) is Verdict.DIFFERS
    lower = Band(1.8, 2.2, "lower")
    assert lower.place(interval(1.0, 1.7)) is Verdict.HOLDS_STRONGER
    assert lower.place(interval(2.3, 2.4)) is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("rule", "band"),
    [
        (Rule(within="10%"), Band(1.8, 2.2)),
        (Rule(plus_minus=Decimal("0.5")), Band(1.5, 2.5)),
        (Rule(at_least=Decimal(1)), Band(1, math.inf)),
        (Rule(at_least=Decimal(1), at_most=Decimal(3)), Band(1, 3)),
    ],
)
def test_bands(rule: Rule, band: Band) -> None:
    assert rule.band(Decimal(2)) == pytest.approx(band)


def test_an_empty_rule_takes_the_published_range() -> None:
    assert Rule().band(None, Decimal(10), Decimal(30)) == Band(10, 30)
    with pytest.raises(UsageError, match="no range was published"):
        Rule().band(Decimal(2))


def test_a_tolerance_needs_a_published_value() -> None:
    with pytest.raises(UsageError, match="needs a published value; give at_least"):
        Rule(within="10%").band(None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"within": "much"}, "'much' is not a share such as 5%"),
        ({"within": "10%", "at_least": 1}, "give one of"),
        ({"margin": 1}, "Extra inputs are not permitted"),
    ],
)
def test_rules_that_make_no_sense(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Rule.model_validate(fields)


def test_only_yes_and_no_are_decisions() -> None:
    decided = {verdict for verdict in Verdict if verdict.decided}
    assert decided == {Verdict.HOLDS, Verdict.HOLDS_STRONGER, Verdict.FAILS, Verdict.DIFFERS}
    assert all(verdict.meaning for verdict in Verdict)
