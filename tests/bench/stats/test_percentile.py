"""Percentiles, and the number of samples that they need."""

import math
import random

import pytest

from bench.stats.percentile import is_backed, percentile


@pytest.mark.parametrize(("q", "needed"), [(0.5, 11), (0.9, 64), (0.95, 130), (0.99, 662), (0.01, 662)])
def test_a_percentile_needs_enough_samples(q: float, needed: int) -> None:
    source = random.Random(1)
    samples = [source.random() for _ in range(needed)]
    assert percentile(samples, q) is not None
    assert percentile(samples[1:], q) is None
    assert [is_backed(count, q) for count in (0, 1, 2, needed - 1, needed, needed + 1, 10**6)] == [
        *[False] * 4,
        *[True] * 3,
    ]


def test_two_samples_lie_beyond_the_percentile_in_99_of_100_runs() -> None:
    source = random.Random(2)
    beyond = [sum(source.random() > 0.9 for _ in range(64)) >= 2 for _ in range(20_000)]
    assert sum(beyond) / len(beyond) == pytest.approx(0.99, abs=0.003)


def test_estimates_follow_definition_8() -> None:
    samples = [float(value) for value in range(1, 1001)]
    random.Random(3).shuffle(samples)
    assert percentile(samples, 0.5) == pytest.approx(500.5)
    # Hyndman & Fan, definition 8: the (n + 1/3) q + 1/3 th smallest.
    assert percentile(samples, 0.99) == pytest.approx(1000.3333333 * 0.99 + 0.3333333)
    assert percentile([3.0 * value for value in samples], 0.9) == pytest.approx(3 * percentile(samples, 0.9))


def test_too_few_samples_give_none() -> None:
    assert percentile([], 0.5) is None
    assert percentile([1.0], 0.99) is None


@pytest.mark.parametrize("q", [0.0, 1.0, 99.0, -0.5, math.nan])
def test_a_quantile_outside_0_to_1_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="q:"):
        percentile([1.0] * 1000, q)


def test_samples_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="samples"):
        percentile([1.0] * 999 + [math.nan], 0.99)
