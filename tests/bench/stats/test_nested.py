"""Rounds nested in processes: pairs, clusters, too few of them, and invalid input."""

import math
import random
from collections.abc import Callable

import pytest

from bench.stats.interval import Interval
from bench.stats.nested import latency_interval, paired_ratio
from bench.stats.student import t_quantile

EACH_BLOCK = [block for block in range(12) for _ in range(5)]
"""The process of each of 60 rounds, with 5 rounds in each process."""
ONE_PROCESS = [0] * 60


def two_runs(count: int, seed: int = 1) -> tuple[list[float], list[float]]:
    """Return the rounds of an implementation that takes 0.8 of the baseline's time, and those of the baseline.

    A drift of up to 20 % slows both.
    """
    source = random.Random(seed)
    drift = [1 + 0.2 * math.sin(n / 9) for n in range(count)]
    ours = [8e4 * slow * math.exp(source.gauss(0, 0.01)) for slow in drift]
    return ours, [1e5 * slow * math.exp(source.gauss(0, 0.01)) for slow in drift]


def bounds(interval: Interval) -> tuple[float, float, float]:
    return interval.estimate, interval.low, interval.high


def t_interval(logs: list[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the estimate and the ends of Student's t interval of ``logs``, as ratios."""
    mean = sum(logs) / len(logs)
    variance = sum((log - mean) ** 2 for log in logs) / (len(logs) - 1)
    reach = t_quantile(confidence, len(logs) - 1) * math.sqrt(variance / len(logs))
    return math.exp(mean), math.exp(mean - reach), math.exp(mean + reach)


def test_a_process_counts_once_however_many_rounds_it_has() -> None:
    interval = latency_interval([100, 102, 110, 112, 114, 90], [0, 0, 1, 1, 1, 2], 0.9)
    assert bounds(interval) == pytest.approx(t_interval([math.log(101), math.log(112), math.log(90)], 0.9))
    assert interval.confidence == 0.9


def test_a_cluster_gives_the_ratio_of_its_total_times() -> None:
    ratio = paired_ratio([1.0, 3.0, 2.0, 2.0], [2.0, 2.0, 1.0, 4.0], [0, 0, 1, 1], [0, 0, 1, 1])
    assert bounds(ratio) == pytest.approx(t_interval([math.log(4 / 4), math.log(4 / 5)]))


@pytest.mark.parametrize("processes", [EACH_BLOCK, ONE_PROCESS])
def test_a_ratio_is_precise_under_a_shared_drift(processes: list[int]) -> None:
    ratio = paired_ratio(*two_runs(60), processes, processes)
    assert ratio.low < 0.8 < ratio.high
    assert ratio.half_width < 0.01


@pytest.mark.parametrize("other", [EACH_BLOCK, [block // 2 for block in EACH_BLOCK], ONE_PROCESS])
def test_swapping_the_implementations_inverts_the_ratio(other: list[int]) -> None:
    ours, theirs = two_runs(60)
    ratio, inverse = paired_ratio(ours, theirs, EACH_BLOCK, other), paired_ratio(theirs, ours, other, EACH_BLOCK)
    assert bounds(ratio) == pytest.approx((1 / inverse.estimate, 1 / inverse.high, 1 / inverse.low))


@pytest.mark.parametrize("processes", [EACH_BLOCK, ONE_PROCESS])
def test_a_ratio_does_not_depend_on_the_unit(processes: list[int]) -> None:
    ours, theirs = two_runs(60)
    nanoseconds = paired_ratio(ours, theirs, processes, processes)
    seconds = paired_ratio([1e-9 * v for v in ours], [1e-9 * v for v in theirs], processes, processes)
    assert bounds(seconds) == pytest.approx(bounds(nanoseconds))


def test_pairing_makes_the_interval_narrower() -> None:
    ours, theirs = two_runs(60)
    paired = paired_ratio(ours, theirs, EACH_BLOCK, EACH_BLOCK)
    shuffled = paired_ratio(ours, random.Random(2).sample(theirs, 60), EACH_BLOCK, EACH_BLOCK)
    assert shuffled.half_width > 4 * paired.half_width


def test_neither_the_order_of_rounds_nor_the_numbers_of_processes_matter() -> None:
    ours, theirs = two_runs(60)
    together = random.Random(3).sample(list(zip(ours, theirs, EACH_BLOCK, strict=True)), 60)
    shuffled = paired_ratio(
        [each[0] for each in together],
        [each[1] for each in together],
        [-7 * each[2] for each in together],
        [each[2] + 100 for each in together],
    )
    assert bounds(shuffled) == pytest.approx(bounds(paired_ratio(ours, theirs, EACH_BLOCK, EACH_BLOCK)))


def test_clusters_are_the_processes_of_the_implementation_with_fewer() -> None:
    ours, theirs = two_runs(60)
    fewer = [block // 4 for block in EACH_BLOCK]
    assert paired_ratio(ours, theirs, EACH_BLOCK, fewer) == paired_ratio(ours, theirs, fewer, fewer)
    assert paired_ratio(ours, theirs, fewer, EACH_BLOCK) == paired_ratio(ours, theirs, fewer, fewer)


def test_clusters_share_no_process_where_processes_of_either_live_longer_for_a_while() -> None:
    ours, theirs = two_runs(60)
    late, early = (
        [block // 2 if (block >= 6) == late else 10 * block for block in EACH_BLOCK] for late in (True, False)
    )
    clusters = [block // 2 for block in EACH_BLOCK]
    assert len(set(late)) == len(set(early)) == 9
    expected = pytest.approx(bounds(paired_ratio(ours, theirs, clusters, clusters)))
    assert bounds(paired_ratio(ours, theirs, late, early)) == expected


def test_beside_a_single_process_the_processes_of_the_other_are_the_clusters() -> None:
    ours, theirs = two_runs(60)
    expected = paired_ratio(ours, theirs, EACH_BLOCK, EACH_BLOCK)
    assert paired_ratio(ours, theirs, EACH_BLOCK, ONE_PROCESS) == expected
    assert paired_ratio(ours, theirs, ONE_PROCESS, EACH_BLOCK) == expected


def test_a_single_process_of_each_gives_the_interval_of_its_rounds() -> None:
    logs = [0.01, -0.02, 0.03]  # too few rounds for any dependence to show
    values = [100 * math.exp(log) for log in logs]
    estimate, low, high = t_interval(logs)
    total = sum(values) / 300
    expected = pytest.approx((total, low * total / estimate, high * total / estimate))
    assert bounds(paired_ratio(values, [100.0] * 3, [0] * 3, [0] * 3)) == expected


def test_a_single_process_that_drifts_has_a_wider_interval() -> None:
    source = random.Random(4)
    values = [math.exp(source.gauss(0, 0.02)) for _ in range(60)]
    mixed, drifting = latency_interval(values, ONE_PROCESS), latency_interval(sorted(values), ONE_PROCESS)
    assert drifting.half_width > 2 * mixed.half_width


def test_a_single_round_excludes_nothing() -> None:
    ratio = paired_ratio([3.0], [2.0], [0], [0])
    assert bounds(ratio) == (pytest.approx(1.5), 0.0, math.inf)
    assert ratio.half_width == math.inf


def test_two_clusters_at_the_confidence_of_a_large_table_exclude_nothing() -> None:
    ratio = paired_ratio([1.0, 1.5], [1.0, 1.0], [0, 1], [0, 1], 1 - 1e-7)
    assert bounds(ratio) == (pytest.approx(math.sqrt(1.5)), 0.0, math.inf)


def test_equal_rounds_give_an_interval_of_zero_width() -> None:
    for processes in ([0, 0, 1, 1], [0] * 4):
        assert bounds(paired_ratio([3.0] * 4, [2.0] * 4, processes, processes)) == pytest.approx((1.5, 1.5, 1.5))


def paired(values: list[float], baseline: list[float], confidence: float = 0.95) -> Interval:
    return paired_ratio(values, baseline, [0] * len(values), [0] * len(baseline), confidence)


def test_rounds_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="do not pair"):
        paired([1.0, 2.0], [1.0])


@pytest.mark.parametrize("wrong", [[], [0.0, 1.0], [-1.0, 1.0], [math.nan, 1.0], [math.inf, 1.0]])
def test_invalid_latencies_are_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="values"):
        latency_interval(wrong, [0] * len(wrong))
    with pytest.raises(ValueError, match="values"):
        paired(wrong, [1.0, 2.0])
    with pytest.raises(ValueError, match="baseline"):
        paired([1.0, 2.0], wrong)


def test_every_round_needs_its_process() -> None:
    calls: list[Callable[[], Interval]] = [
        lambda: latency_interval([1.0, 2.0], [0]),
        lambda: paired_ratio([1.0, 2.0], [1.0, 2.0], [0, 1, 2], [0, 1]),
        lambda: paired_ratio([1.0, 2.0], [1.0, 2.0], [0, 1], [0]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="processes"):
            call()


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, -1.0, math.nan])
@pytest.mark.parametrize("processes", [[0, 1], [0, 0]])
def test_a_confidence_outside_0_to_1_is_refused(processes: list[int], confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        paired_ratio([1.0, 2.0], [1.0, 2.0], processes, processes, confidence)
    with pytest.raises(ValueError, match="confidence"):
        latency_interval([1.0, 2.0], processes, confidence)
