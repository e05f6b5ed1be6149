"""Ratios of different runs, and means of ratios."""

import math
import random

import numpy as np
import pytest

from bench.stats.interval import Interval
from bench.stats.nested import latency_interval
from bench.stats.ratios import mean_over_cases, mean_over_repeats, unpaired_ratio


def run(latency: float, processes: int, seed: int = 1) -> tuple[list[float], list[int]]:
    """Return the rounds of a run with two rounds in each process, and the process of each round."""
    source = random.Random(seed)
    levels = [latency * math.exp(source.gauss(0, 0.01)) for _ in range(processes)]
    values = [level * math.exp(source.gauss(0, 0.01)) for level in levels for _ in range(2)]
    return values, [process for process in range(processes) for _ in range(2)]


def test_the_error_is_shared_between_the_runs() -> None:
    values, processes = run(2.0, 10)
    ratio = unpaired_ratio(values, [1.0] * 20, processes, processes, 0.95)
    alone = latency_interval(values, processes, 0.975)
    assert (ratio.estimate, ratio.low, ratio.high) == pytest.approx((alone.estimate, alone.low, alone.high))
    assert ratio.confidence == 0.95


def test_runs_may_differ_in_length() -> None:
    (ours, our_processes), (theirs, their_processes) = run(0.8, 20), run(1.0, 12, seed=2)
    ratio = unpaired_ratio(ours, theirs, our_processes, their_processes, 0.9)
    assert ratio.low < 0.8 < ratio.high
    assert ratio.confidence == 0.9


def test_swapping_the_runs_inverts_the_ratio_whatever_the_unit() -> None:
    (ours, our_processes), (theirs, their_processes) = run(0.8, 20), run(1.0, 12, seed=2)
    ratio = unpaired_ratio(ours, theirs, our_processes, their_processes)
    inverse = unpaired_ratio([1e9 * v for v in theirs], [1e9 * v for v in ours], their_processes, our_processes)
    expected = (1 / inverse.estimate, 1 / inverse.high, 1 / inverse.low)
    assert (ratio.estimate, ratio.low, ratio.high) == pytest.approx(expected)


def test_a_single_round_of_either_excludes_nothing() -> None:
    values, processes = run(1.0, 10)
    for ratio in (unpaired_ratio([3.0], values, [0], processes), unpaired_ratio(values, [3.0], processes, [0])):
        assert (ratio.low, ratio.high) == (0.0, math.inf)
        assert math.isfinite(ratio.estimate)


def test_coverage_is_conservative() -> None:
    source = np.random.default_rng(5)
    processes = np.repeat(np.arange(8), 2).tolist()
    covered = 0
    for _ in range(1000):
        ours, theirs = np.exp(0.01 * (source.standard_normal((2, 8, 1)) + source.standard_normal((2, 8, 2))))
        ratio = unpaired_ratio(ours.ravel().tolist(), theirs.ravel().tolist(), processes, processes)
        covered += ratio.low <= 1 <= ratio.high
    assert covered > 980


@pytest.mark.parametrize("wrong", [[], [0.0, 1.0], [-1.0, 1.0], [math.nan, 1.0], [math.inf, 1.0]])
def test_invalid_latencies_are_refused(wrong: list[float]) -> None:
    processes = [0] * len(wrong)
    with pytest.raises(ValueError, match="values"):
        unpaired_ratio(wrong, [1.0, 2.0], processes, [0, 1])
    with pytest.raises(ValueError, match="values"):
        unpaired_ratio([1.0, 2.0], wrong, [0, 1], processes)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, -1.0, math.nan])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        unpaired_ratio([1.0, 2.0], [1.0, 2.0], [0, 1], [0, 1], confidence)


def test_a_mean_of_ratios_is_geometric_and_cannot_overflow() -> None:
    for ratios, mean in (([0.5, 2.0], 1.0), ([1.0, 8.0, 27.0], 6.0), ([1e-300, 1e-300, 1e300], 1e-100)):
        assert mean_over_cases([Interval(each, each, each, 0.95) for each in ratios]).estimate == pytest.approx(mean)


def test_a_mean_ratio_equals_the_result_by_hand() -> None:
    """The logarithms are 0 and +-log 1.25: s = log 1.25; t of two degrees is 4.302653 at 95 %, 6.205347 at 97.5 %."""
    for confidence, t in ((0.95, 4.302653), (0.975, 6.205347)):
        ratio = mean_over_repeats([0.4, 0.5, 0.625], confidence)
        reach = t * math.log(1.25) / math.sqrt(3)
        assert ratio.estimate == pytest.approx(0.5)
        assert (ratio.low, ratio.high) == pytest.approx((0.5 * math.exp(-reach), 0.5 * math.exp(reach)), rel=1e-5)
        assert ratio.confidence == confidence


def test_the_interval_of_a_single_ratio_is_unbounded() -> None:
    ratio = mean_over_repeats([0.5])
    assert (ratio.estimate, ratio.low, ratio.high) == (pytest.approx(0.5), 0.0, math.inf)


@pytest.mark.parametrize(("wrong", "confidence"), [([], 0.95), ([0.0], 0.95), ([-1.0, 1.0], 0.95), ([1.0], 1.0)])
def test_invalid_ratios_and_confidences_are_refused(wrong: list[float], confidence: float) -> None:
    with pytest.raises(ValueError, match=r"ratios|confidence"):
        mean_over_repeats(wrong, confidence)


def test_a_mean_over_cases_equals_the_result_by_hand() -> None:
    """Distances of logarithms: (log 1.1, log 1.2) below and (log 1.1, log 1.5) above, each over 2 cases."""
    mean = mean_over_cases([Interval(0.5, 0.5 / 1.1, 0.5 * 1.1, 0.9), Interval(2.0, 2.0 / 1.2, 2.0 * 1.5, 0.9)])
    below = math.sqrt(math.log(1.1) ** 2 + math.log(1.2) ** 2) / 2
    above = math.sqrt(math.log(1.1) ** 2 + math.log(1.5) ** 2) / 2
    assert (mean.estimate, mean.low, mean.high) == pytest.approx((1.0, math.exp(-below), math.exp(above)))
    assert mean.confidence == 0.9


def test_a_mean_over_a_single_case_is_its_ratio() -> None:
    ratio = Interval(0.5, 0.4, 0.7, 0.95)
    mean = mean_over_cases([ratio])
    assert (mean.estimate, mean.low, mean.high) == pytest.approx((ratio.estimate, ratio.low, ratio.high))


def test_a_case_without_a_bound_leaves_none_for_the_mean() -> None:
    mean = mean_over_cases([Interval(0.5, 0.4, 0.7, 0.95), Interval(2.0, 0.0, math.inf, 0.95)])
    assert (mean.estimate, mean.low, mean.high) == (pytest.approx(1.0), 0.0, math.inf)


@pytest.mark.parametrize(("processes", "width"), [(4, 1.6), (12, 1.12)])
def test_an_interval_over_cases_is_conservative_for_few_processes(processes: int, width: float) -> None:
    """Cases differ, each with its own ratio and noise; the known standard error would give the narrowest interval."""
    source = np.random.default_rng(8)
    log_ratios, noise = np.log([0.3, 0.5, 0.9, 1.0, 1.4, 2.5, 3.0, 8.0]), np.linspace(0.01, 0.04, 8)
    truth = math.exp(log_ratios.mean())
    covered, widths = 0, []
    for _ in range(500):
        samples = np.exp(log_ratios[:, None] + noise[:, None] * source.standard_normal((8, processes)))
        mean = mean_over_cases([mean_over_repeats(case) for case in samples.tolist()])
        covered += mean.low <= truth <= mean.high
        widths.append(math.log(mean.high / mean.low))
    known = 2 * 1.96 * math.sqrt((noise**2).sum() / processes) / 8
    assert covered > 475
    assert float(np.mean(widths)) / known == pytest.approx(width, rel=0.05)


def test_intervals_of_different_confidence_have_no_mean() -> None:
    with pytest.raises(ValueError, match="one confidence"):
        mean_over_cases([Interval(0.5, 0.4, 0.7, 0.95), Interval(0.5, 0.4, 0.7, 0.99)])
    for wrong in ([], [Interval(0.0, 0.0, 1.0, 0.95)], [Interval(math.inf, 1.0, math.inf, 0.95)]):
        with pytest.raises(ValueError, match="ratios"):
            mean_over_cases(wrong)
