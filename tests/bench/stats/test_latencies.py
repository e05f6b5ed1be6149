"""Estimates from stored latencies: which rounds count, and which of them pair."""

import math
from collections.abc import Sequence

import pytest

from bench.core.record import Latency
from bench.stats.interval import Interval
from bench.stats.latencies import estimate, process_count, ratio_of_runs, session_ratio, storable_ends
from bench.stats.nested import latency_interval, paired_ratio
from bench.stats.ratios import unpaired_ratio

OURS = [101.0, 104.0, 98.0, 103.0, 99.0, 106.0]
THEIRS = [200.0, 205.0, 199.0, 207.0, 203.0, 201.0]
PROCESSES = [0, 0, 1, 1, 2, 2]


def latency(
    means: Sequence[float],
    numbers: Sequence[int] = range(6),
    processes: Sequence[int] = PROCESSES,
    disturbed: Sequence[int] | None = None,
) -> Latency:
    """Return a latency whose rounds have two samples each, with these means."""
    return Latency(
        rounds=[[mean - 1, mean + 1] for mean in means],
        numbers=list(numbers),
        processes=list(processes),
        calls_per_sample=1,
        estimate=100,
        low=99,
        high=101,
        disturbed=None if disturbed is None else list(disturbed),
        stopped="budget",
    )


def test_a_session_ratio_pairs_all_common_rounds() -> None:
    expected = paired_ratio(OURS, THEIRS, PROCESSES, PROCESSES, 0.9)
    assert session_ratio(latency(OURS), latency(THEIRS), 0.9) == expected


def test_rounds_pair_by_their_numbers_wherever_they_are_stored() -> None:
    ours = latency(OURS, numbers=[1, 2, 4, 5, 7, 8])
    theirs = latency(THEIRS, numbers=[2, 3, 5, 6, 8, 9], processes=[0, 0, 3, 3, 5, 5])
    expected = paired_ratio([104, 103, 106], [200, 199, 203], [0, 1, 2], [0, 3, 5])
    assert session_ratio(ours, theirs) == expected


def test_rounds_disturbed_in_either_are_left_out() -> None:
    ratio = session_ratio(latency(OURS, disturbed=[1]), latency(THEIRS, disturbed=[1, 5]))
    assert ratio == paired_ratio([101, 98, 103, 99], [200, 199, 207, 203], [0, 1, 1, 2], [0, 1, 1, 2])


def test_disturbed_rounds_that_are_half_of_both_together_are_kept() -> None:
    """Otherwise, of two equal implementations, one could lose its slow rounds and the other keep them."""
    ratio = session_ratio(latency(OURS, disturbed=[0, 1]), latency(THEIRS, disturbed=[4]))
    assert ratio == session_ratio(latency(OURS), latency(THEIRS))


@pytest.mark.parametrize("disturbed", [[0, 2, 4], [0, 1, 2, 3, 4, 5], []])
def test_disturbed_rounds_count_unless_they_are_a_minority(disturbed: list[int]) -> None:
    ours = latency(OURS, disturbed=disturbed)
    assert session_ratio(ours, latency(THEIRS)) == session_ratio(latency(OURS), latency(THEIRS))
    assert ratio_of_runs(ours, latency(THEIRS)) == ratio_of_runs(latency(OURS), latency(THEIRS))
    assert estimate(OURS, PROCESSES, disturbed) == estimate(OURS, PROCESSES)


def test_without_common_rounds_there_is_no_session_ratio() -> None:
    assert session_ratio(latency(OURS), latency(THEIRS, numbers=range(6, 12))) is None


def test_rounds_of_different_runs_are_not_paired() -> None:
    ratio = ratio_of_runs(latency(OURS, disturbed=[1]), latency(THEIRS, numbers=range(50, 56)), 0.9)
    kept = [101.0, 98.0, 103.0, 99.0, 106.0]
    assert ratio == unpaired_ratio(kept, THEIRS, [0, 1, 1, 2, 2], PROCESSES, 0.9)


def test_the_estimate_is_that_of_undisturbed_rounds() -> None:
    assert estimate(OURS, PROCESSES, None, 0.9) == latency_interval(OURS, PROCESSES, 0.9)
    expected = latency_interval([101, 98, 99, 106], [0, 1, 2, 2])
    assert estimate(OURS, PROCESSES, [1, 3]) == expected


def test_each_process_is_counted_once() -> None:
    assert process_count(latency(OURS)) == 3
    assert process_count(latency(OURS, processes=[4] * 6)) == 1


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (2.0, 9.0, (2.0, 9.0)),  # the interval for new processes may be wider than the samples
        (101.0, 102.0, (101.0, 102.0)),
        (0.0, math.inf, (98.0, 106.0)),
        (-math.inf, 110.0, (98.0, 110.0)),
        (-1.0, 110.0, (98.0, 110.0)),
        (90.0, math.inf, (90.0, 106.0)),
    ],
)
def test_only_ends_that_cannot_be_stored_are_replaced_by_the_extremes(
    low: float, high: float, ends: tuple[float, float]
) -> None:
    assert storable_ends(Interval(100.0, low, high, 0.95), OURS) == ends


@pytest.mark.parametrize("latency_ns", [5.0, 76353.2479455579, 1e9 / 3])
def test_a_single_round_is_its_own_interval(latency_ns: float) -> None:
    """Its ends enclose its estimate, although exp(log(x)) differs from x in the last bit for some x."""
    interval = estimate([latency_ns], [0])
    low, high = storable_ends(interval, [latency_ns])
    assert low <= interval.estimate <= high
    assert (low, high) == pytest.approx((latency_ns, latency_ns), rel=1e-14)
