"""Verdicts: their edges, and how often they are right."""

import math
from collections import Counter

import numpy as np
import pytest

from bench.stats.interval import Interval
from bench.stats.paired import paired_ratio
from bench.stats.verdict import Verdict, corrected_confidence, judge


def between(low: float, high: float) -> Interval:
    return Interval(1.0, low, high, 0.95)


@pytest.mark.parametrize(
    ("low", "high", "margin", "verdict"),
    [
        (0.80, 0.90, 0.0, Verdict.FASTER),
        (0.80, 0.90, 0.05, Verdict.FASTER),
        (0.80, 0.90, 0.12, Verdict.CANNOT_TELL),
        (0.80, 1.0, 0.0, Verdict.CANNOT_TELL),
        (0.80, 0.8, 0.25, Verdict.CANNOT_TELL),
        (0.80, math.nextafter(0.8, 0), 0.25, Verdict.FASTER),
        (1.25, 1.40, 0.25, Verdict.CANNOT_TELL),
        (math.nextafter(1.25, 2), 1.40, 0.25, Verdict.SLOWER),
        (1.0, 1.1, 0.0, Verdict.CANNOT_TELL),
        (1.02, 1.1, 0.01, Verdict.SLOWER),
        (0.9, 1.1, 0.0, Verdict.CANNOT_TELL),
        (0.0, math.inf, 0.0, Verdict.CANNOT_TELL),
    ],
)
def test_only_a_whole_interval_bears_a_verdict_out(low: float, high: float, margin: float, verdict: Verdict) -> None:
    assert judge(between(low, high), margin) is verdict


def test_verdicts_read_as_words() -> None:
    assert [str(verdict) for verdict in Verdict] == ["faster", "slower", "cannot tell"]


@pytest.mark.parametrize("margin", [-0.01, math.nan])
def test_refuses_a_margin_that_is_none(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        judge(between(0.8, 0.9), margin)


def test_bonferroni() -> None:
    assert corrected_confidence(0.95, 1) == pytest.approx(0.95)
    assert corrected_confidence(0.95, 10) == pytest.approx(0.995)
    for confidence, comparisons in ((0.95, 0), (0.95, -1), (1.0, 2), (0.0, 2), (95, 2)):
        with pytest.raises(ValueError, match="expected"):
            corrected_confidence(confidence, comparisons)


def verdicts(
    truth: float, margin: float, noise: float, experiments: int = 2000, comparisons: int = 1
) -> Counter[Verdict]:
    """The verdicts of experiments of 40 rounds, both with this relative noise a round."""
    random = np.random.default_rng(20)
    ours = 1e5 * truth * np.exp(noise * random.standard_normal((experiments, 40)))
    theirs = 1e5 * np.exp(noise * random.standard_normal((experiments, 40)))
    confidence = corrected_confidence(0.95, comparisons)
    pairs = zip(ours, theirs, strict=True)
    return Counter(judge(paired_ratio(*pair, confidence), margin) for pair in pairs)


def test_five_percent_are_found() -> None:
    assert verdicts(0.95, 0.01, 0.015)[Verdict.FASTER] > 0.95 * 2000
    assert verdicts(1.05, 0.01, 0.015)[Verdict.SLOWER] > 0.95 * 2000


def test_five_percent_are_found_among_twenty() -> None:
    assert verdicts(0.95, 0.01, 0.015, comparisons=20)[Verdict.FASTER] > 0.95 * 2000


def test_equals_seldom_get_a_verdict() -> None:
    assert verdicts(1.0, 0.01, 0.015)[Verdict.CANNOT_TELL] > 0.998 * 2000
    without_margin = verdicts(1.0, 0.0, 0.015)
    assert 0.93 * 2000 < without_margin[Verdict.CANNOT_TELL] < 0.98 * 2000
    assert without_margin[Verdict.FASTER] == pytest.approx(without_margin[Verdict.SLOWER], abs=30)


def test_a_difference_of_the_margin_is_seldom_taken_for_more() -> None:
    assert verdicts(1.01, 0.01, 0.015)[Verdict.SLOWER] < 0.035 * 2000
