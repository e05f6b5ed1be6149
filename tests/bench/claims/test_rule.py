"""Rules are decided on intervals."""

import math
from decimal import Decimal

import pytest
from pydantic import ValidationError

from bench.claims.rule import Band, ClaimVerdict, Rule
from bench.core.errors import UsageError
from bench.stats.interval import Interval


def interval(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, 0.95)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.9, 2.1, ClaimVerdict.HOLDS),
        (1.8, 2.2, ClaimVerdict.HOLDS),
        (1.7, 2.1, ClaimVerdict.INCONCLUSIVE),
        (1.9, 2.3, ClaimVerdict.INCONCLUSIVE),
        (1.0, 3.0, ClaimVerdict.INCONCLUSIVE),
        (1.0, 1.7, ClaimVerdict.DIFFERS),
        (2.3, 2.4, ClaimVerdict.DIFFERS),
        (-math.inf, math.inf, ClaimVerdict.INSUFFICIENT_DATA),
        (0.0, math.inf, ClaimVerdict.INSUFFICIENT_DATA),
        (1.9, math.inf, ClaimVerdict.INCONCLUSIVE),
        (2.3, math.inf, ClaimVerdict.DIFFERS),
    ],
)
def test_the_whole_interval_decides(low: float, high: float, verdict: ClaimVerdict) -> None:
    assert Band(1.8, 2.2).judge(interval(low, high)) is verdict


def test_beyond_the_band_in_the_claimed_direction_it_holds_more_strongly() -> None:
    higher = Band(1.8, 2.2, "higher")
    assert higher.judge(interval(2.3, 2.4)) is ClaimVerdict.HOLDS_STRONGER
    assert higher.judge(interval(2.1, 2.4)) is ClaimVerdict.HOLDS
    assert higher.judge(interval(1.0, 1.7)) is ClaimVerdict.DIFFERS
    lower = Band(1.8, 2.2, "lower")
    assert lower.judge(interval(1.0, 1.7)) is ClaimVerdict.HOLDS_STRONGER
    assert lower.judge(interval(2.3, 2.4)) is ClaimVerdict.DIFFERS


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 2.0, ClaimVerdict.HOLDS),
        (0.0, 0.0, ClaimVerdict.DIFFERS),
        (0.0, 1.0, ClaimVerdict.INCONCLUSIVE),
        (-1.0, -0.1, ClaimVerdict.DIFFERS),
    ],
)
def test_what_is_equal_is_not_more(low: float, high: float, verdict: ClaimVerdict) -> None:
    assert Band(0, math.inf, open=True).judge(interval(low, high)) is verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.03, 1.1, ClaimVerdict.HOLDS),
        (1.01, 1.1, ClaimVerdict.INCONCLUSIVE),
        (0.99, 1.01, ClaimVerdict.INCONCLUSIVE),
        (0.9, 0.99, ClaimVerdict.INCONCLUSIVE),
        (0.9, 0.97, ClaimVerdict.DIFFERS),
    ],
)
def test_within_the_margin_of_a_machine_nothing_is_faster(low: float, high: float, verdict: ClaimVerdict) -> None:
    assert Band(1, math.inf, open=True).judge(interval(low, high), margin=0.02) is verdict
    slower = Band(-math.inf, 1, open=True).judge(interval(1 / high, 1 / low), margin=0.02)
    assert slower is verdict


@pytest.mark.parametrize(
    ("rule", "band"),
    [
        (Rule(within="10%"), Band(1.8, 2.2)),
        (Rule(plus_minus=Decimal("0.5")), Band(1.5, 2.5)),
        (Rule(at_least=Decimal(1)), Band(1, math.inf)),
        (Rule(at_least=Decimal(1), at_most=Decimal(3)), Band(1, 3)),
        (Rule(above=Decimal(1)), Band(1, math.inf, None, True)),
        (Rule(below=Decimal(1)), Band(-math.inf, 1, None, True)),
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
        ({"above": 1, "at_most": 2}, "give one of"),
        ({"margin": 1}, "Extra inputs are not permitted"),
    ],
)
def test_rules_that_make_no_sense(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Rule.model_validate(fields)


def test_only_yes_and_no_are_decisions() -> None:
    decided = {verdict for verdict in ClaimVerdict if verdict.decided}
    assert decided == {ClaimVerdict.HOLDS, ClaimVerdict.HOLDS_STRONGER, ClaimVerdict.FAILS, ClaimVerdict.DIFFERS}
    assert all(verdict.meaning for verdict in ClaimVerdict)
