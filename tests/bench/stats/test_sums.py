"""Sums of independent estimates have honest intervals."""

import math

import numpy as np
import pytest

from bench.stats.interval import Interval
from bench.stats.sums import weighted_sum


def test_equal_parts_add_up_as_standard_errors_do() -> None:
    total = weighted_sum([Interval(10, 8, 13, 0.95)] * 4, [1, 1, 1, 1])
    assert (total.estimate, total.low, total.high, total.confidence) == (40, 36, 46, 0.95)


def test_a_part_that_counts_twice_is_as_uncertain_as_twice_itself() -> None:
    total = weighted_sum([Interval(10, 9, 12, 0.9)], [2])
    assert (total.estimate, total.low, total.high) == (20, 18, 24)


def test_an_open_end_stays_open() -> None:
    total = weighted_sum([Interval(1, 0.5, math.inf, 0.95), Interval(1, 0.9, 1.1, 0.95)], [1, 1])
    assert total.high == math.inf
    assert total.low == pytest.approx(2 - math.hypot(0.5, 0.1))


def test_the_interval_covers_the_true_sum_as_often_as_it_says() -> None:
    rng, half = np.random.default_rng(0), 1.959964
    truth, weights, spread = np.array([1.0, 5.0, 20.0]), [3, 1, 2], np.array([0.1, 0.2, 0.4])
    covered = 0
    for estimates in truth + spread * rng.standard_normal((4000, 3)):
        parts = [Interval(e, e - half * s, e + half * s, 0.95) for e, s in zip(estimates, spread, strict=True)]
        total = weighted_sum(parts, weights)
        covered += total.low <= truth @ weights <= total.high
    assert 0.94 < covered / 4000 < 0.96


@pytest.mark.parametrize(
    ("parts", "weights", "reason"),
    [
        ([], [], "at least one"),
        ([Interval(1, 1, 1, 0.9), Interval(1, 1, 1, 0.95)], [1, 1], "one confidence"),
        ([Interval(1, 1, 1, 0.9)], [-1], "below zero"),
    ],
)
def test_what_cannot_be_summed_is_refused(parts: list[Interval], weights: list[float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        weighted_sum(parts, weights)
