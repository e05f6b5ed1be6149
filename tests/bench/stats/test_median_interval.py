"""The interval of a median: exactness, equivariance, what order does, and wrong input."""

import math
import random
from itertools import accumulate

import numpy as np
import pytest

from bench.stats import interval
from bench.stats.dependence import variance_inflation
from bench.stats.interval import Interval, median_interval


def rounds(count: int, seed: int = 1) -> list[float]:
    source = random.Random(seed)
    return [1e5 * math.exp(source.gauss(0, 0.02)) for _ in range(count)]


@pytest.fixture
def independent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the values as independent, so that the order statistics can be checked alone."""
    monkeypatch.setattr(interval, "variance_inflation", lambda values: 1.0)


@pytest.mark.usefixtures("independent")
@pytest.mark.parametrize("count", [1, 2, 5, 6, 9, 30, 101])
def test_order_statistics_are_those_of_the_binomial(count: int) -> None:
    values = rounds(count)
    ordered = sorted(values)
    below = accumulate(math.comb(count, k) / 2**count for k in range(count // 2))
    for depth, tail in enumerate(below):
        if tail < 1e-6:  # 1 - confidence would carry the rounding
            continue
        found = median_interval(values, 1 - 2 * tail * (1 + 1e-9))
        assert found.low == pytest.approx(ordered[depth], rel=1e-8)
        assert found.high == pytest.approx(ordered[-1 - depth], rel=1e-8)


@pytest.mark.usefixtures("independent")
def test_hettmansperger_and_sheather_between_them() -> None:
    # n = 10: the second and third pairs hold 97.85 % and 89.06 %; share 0.3244, weight 8 * 0.3244 / (2 + 6 * 0.3244).
    found = median_interval([float(value) for value in range(1, 11)])
    assert (found.estimate, found.confidence) == (5.5, 0.95)
    assert found.low == pytest.approx(2.65766, abs=1e-5)
    assert found.high == pytest.approx(8.34234, abs=1e-5)


@pytest.mark.usefixtures("independent")
def test_six_rounds_are_the_least_for_95_percent() -> None:
    five, six = median_interval(rounds(5)), median_interval(rounds(6))
    assert (five.low, five.high, five.half_width) == (-math.inf, math.inf, math.inf)
    assert math.isfinite(five.estimate)
    assert math.isfinite(six.high - six.low)


def test_many_comparisons_leave_a_finite_interval() -> None:
    values = rounds(100)
    wide = median_interval(values, 1 - 1e-9)
    usual = median_interval(values)
    assert min(values) <= wide.low < usual.low < usual.high < wide.high <= max(values)


def test_scaling_and_shifting_carry_over() -> None:
    values = rounds(41)
    plain, scaled = median_interval(values), median_interval([4 * value + 1000 for value in values])
    for name in ("estimate", "low", "high"):
        assert getattr(scaled, name) == pytest.approx(4 * getattr(plain, name) + 1000, rel=1e-12)
    mirrored = median_interval([-value for value in values])
    assert (mirrored.low, mirrored.high) == pytest.approx((-plain.high, -plain.low), rel=1e-12)


def test_an_outlier_moves_nothing_but_its_own_rank() -> None:
    values = rounds(41)
    largest = values.index(max(values))
    assert median_interval([*values[:largest], 1e12, *values[largest + 1 :]]) == median_interval(values)


def test_order_matters_only_as_dependence() -> None:
    values = rounds(60)
    drifting, plain = median_interval(sorted(values)), median_interval(values)
    assert drifting.estimate == plain.estimate
    assert drifting.half_width > 2 * plain.half_width
    assert median_interval(values[::-1]).low == pytest.approx(plain.low, rel=1e-12)


def test_dependence_never_narrows() -> None:
    swinging = [0.0]
    source = random.Random(6)
    for _ in range(200):
        swinging.append(-0.7 * swinging[-1] + source.gauss(0, 1))
    assert variance_inflation_of(swinging) == 1.0
    assert min(variance_inflation_of(rounds(20, seed)) for seed in range(50)) == 1.0


def test_ties_in_a_row_are_not_a_drift() -> None:
    assert variance_inflation_of([5.0] * 50) == 1.0
    source = random.Random(4)
    coarse = [float(source.randrange(3)) for _ in range(400)]
    assert variance_inflation_of(coarse) < 1.5
    constant = median_interval([5.0] * 50)
    assert (constant.low, constant.estimate, constant.high) == (5.0, 5.0, 5.0)


def test_inflation_of_a_known_series() -> None:
    # AR(1) with 0.5: signs have autocorrelations 2 / pi * asin(0.5**k), which sum to an inflation of 2.24;
    # midranks 6 / pi * asin(0.5**k / 2), 2.93. Their mean is 2.59.
    source = random.Random(5)
    series = [0.0]
    for _ in range(40_000):
        series.append(0.5 * series[-1] + source.gauss(0, 1))
    assert variance_inflation_of(series) == pytest.approx(2.59, rel=0.05)


def variance_inflation_of(values: list[float]) -> float:
    return variance_inflation(np.asarray(values))


def test_half_width_is_relative() -> None:
    assert Interval(200.0, 190.0, 214.0, 0.95).half_width == pytest.approx(0.06)
    assert Interval(-200.0, -214.0, -190.0, 0.95).half_width == pytest.approx(0.06)
    assert Interval(0.0, -1.0, 1.0, 0.95).half_width == math.inf


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf, 1.0], [[1.0, 2.0]]])
def test_refuses_what_is_no_series(values: list[float]) -> None:
    with pytest.raises(ValueError, match="values"):
        median_interval(values)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, -0.1, math.nan])
def test_refuses_a_confidence_that_is_none(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        median_interval([1.0, 2.0], confidence)


@pytest.mark.usefixtures("independent")
def test_beyond_the_extremes_it_goes_on_where_they_end() -> None:
    """2**-10 is the tail that the extremes of 10 values leave; a little surer is a little wider, not infinite."""
    values = list(range(10))
    at_the_end, further = median_interval(values, 1 - 2**-9), median_interval(values, 1 - 2**-9.1)
    assert (at_the_end.low, at_the_end.high) == (0, 9)
    assert -0.1 < further.low < 0
    assert 9 < further.high < 9.1
    assert median_interval(values[:9], 1 - 2**-9).high == math.inf
