"""Ratios to a baseline: symmetry, pairing, too few rounds, wrong input."""

import math
import random

import pytest

from bench.stats.interval import Interval, median_interval
from bench.stats.paired import geometric_mean, mean_ratio, paired_ratio, unpaired_ratio


def two_runs(count: int, seed: int = 1) -> tuple[list[float], list[float]]:
    """An implementation at 0.8 of the baseline's time, under a drift of up to 20 % that slows both."""
    source = random.Random(seed)
    drift = [1 + 0.2 * math.sin(n / 9) for n in range(count)]
    ours = [8e4 * slow * math.exp(source.gauss(0, 0.01)) for slow in drift]
    return ours, [1e5 * slow * math.exp(source.gauss(0, 0.01)) for slow in drift]


def test_finds_the_ratio_under_a_shared_drift() -> None:
    ratio = paired_ratio(*two_runs(60))
    assert ratio.low < 0.8 < ratio.high
    assert ratio.half_width < 0.01


@pytest.mark.parametrize("compare", [paired_ratio, unpaired_ratio])
def test_swapping_inverts(compare: type[Interval]) -> None:
    ours, theirs = two_runs(90)
    there, back = compare(ours, theirs), compare(theirs, ours)
    assert (there.estimate, there.low, there.high) == pytest.approx((1 / back.estimate, 1 / back.high, 1 / back.low))


@pytest.mark.parametrize("compare", [paired_ratio, unpaired_ratio])
def test_units_cancel(compare: type[Interval]) -> None:
    ours, theirs = two_runs(31)
    nanoseconds, seconds = compare(ours, theirs), compare([1e-9 * v for v in ours], [1e-9 * v for v in theirs])
    assert (seconds.low, seconds.high) == pytest.approx((nanoseconds.low, nanoseconds.high))


def test_rounds_must_stay_paired() -> None:
    ours, theirs = two_runs(60)
    paired = paired_ratio(ours, theirs)
    assert paired_ratio(ours, random.Random(2).sample(theirs, 60)).half_width > 4 * paired.half_width
    together = random.Random(3).sample(list(zip(ours, theirs, strict=True)), 60)
    shuffled = paired_ratio([pair[0] for pair in together], [pair[1] for pair in together])
    assert shuffled.estimate == pytest.approx(paired.estimate, rel=1e-12)
    assert unpaired_ratio(ours, theirs).half_width > 4 * paired.half_width


def test_too_few_rounds_exclude_nothing() -> None:
    for compare in (paired_ratio, unpaired_ratio):
        ratio = compare([1.0, 2.0, 1.5], [1.0, 1.0, 1.0])
        assert (ratio.low, ratio.estimate, ratio.high) == (0.0, pytest.approx(1.5), math.inf)
        assert ratio.half_width == math.inf


def test_unpaired_interval_shares_the_error_between_the_runs() -> None:
    source = random.Random(4)
    noisy = [math.exp(source.gauss(0, 0.02)) for _ in range(50)]
    ratio, alone = unpaired_ratio(noisy, [1.0] * 50, 0.95), median_interval(noisy, 0.975)
    assert (ratio.low, ratio.high) == pytest.approx((alone.low, alone.high), rel=1e-5)
    assert ratio.confidence == 0.95


def test_two_runs_may_differ_in_length() -> None:
    ours, theirs = two_runs(60)
    ratio = unpaired_ratio(ours, theirs[:40], 0.9)
    assert ratio.low < 0.8 < ratio.high
    assert ratio.confidence == 0.9


def test_refuses_rounds_that_do_not_pair() -> None:
    with pytest.raises(ValueError, match="do not pair"):
        paired_ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize("wrong", [[], [0.0, 1.0], [-1.0, 1.0], [math.nan, 1.0], [math.inf, 1.0]])
def test_refuses_what_is_no_latency(wrong: list[float]) -> None:
    for compare in (paired_ratio, unpaired_ratio):
        with pytest.raises(ValueError, match="values"):
            compare(wrong, [1.0, 2.0])
        with pytest.raises(ValueError, match="baseline"):
            compare([1.0, 2.0], wrong)
    with pytest.raises(ValueError, match="ratios"):
        geometric_mean(wrong)


@pytest.mark.parametrize("compare", [paired_ratio, unpaired_ratio])
@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, -1.0])
def test_refuses_a_confidence_that_is_none(compare: type[Interval], confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        compare([1.0, 2.0], [1.0, 2.0], confidence)


def test_geometric_mean_is_free_of_the_baseline() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert geometric_mean([1.0, 8.0, 27.0]) == pytest.approx(6.0)
    assert geometric_mean([1e-300, 1e-300, 1e300]) == pytest.approx(1e-100)


def test_mean_ratio_by_hand() -> None:
    """Of logarithms 0 and +-log 1.25: s = log 1.25, and t of two degrees is 4.302653 at 95 %, 6.205347 at 97.5 %."""
    for confidence, t in ((0.95, 4.302653), (0.975, 6.205347)):
        found = mean_ratio([0.4, 0.5, 0.625], confidence)
        reach = t * math.log(1.25) / math.sqrt(3)
        assert found.estimate == pytest.approx(0.5)
        assert (found.low, found.high) == pytest.approx((0.5 * math.exp(-reach), 0.5 * math.exp(reach)), rel=1e-5)
        assert found.confidence == confidence


def test_mean_ratio_of_one_knows_no_end() -> None:
    found = mean_ratio([0.5])
    assert (found.estimate, found.low, found.high) == (pytest.approx(0.5), 0.0, math.inf)


@pytest.mark.parametrize(("wrong", "confidence"), [([], 0.95), ([0.0], 0.95), ([-1.0, 1.0], 0.95), ([1.0], 1.0)])
def test_mean_ratio_refuses_what_is_none(wrong: list[float], confidence: float) -> None:
    with pytest.raises(ValueError, match=r"ratios|confidence"):
        mean_ratio(wrong, confidence)
