"""Verdicts at their thresholds, their error rates, and many of them together."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np
import pytest

from bench.stats.interval import Interval
from bench.stats.nested import paired_ratio
from bench.stats.repeats import holm
from bench.stats.verdict import Verdict, judge, judge_all


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
def test_a_verdict_needs_the_whole_interval_beyond_the_margin(
    low: float, high: float, margin: float, verdict: Verdict
) -> None:
    assert judge(between(low, high), margin) is verdict


def test_verdicts_read_as_words() -> None:
    assert [str(verdict) for verdict in Verdict] == ["faster", "slower", "cannot tell"]


@pytest.mark.parametrize("margin", [-0.01, math.nan])
def test_an_invalid_margin_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        judge(between(0.8, 0.9), margin)


def verdicts(
    truth: float, margin: float, noise: float, experiments: int = 2000, confidence: float = 0.95
) -> Counter[str]:
    """Count the verdicts of experiments with 20 processes of 2 rounds each; rounds differ by the relative ``noise``."""
    random = np.random.default_rng(20)
    ours = 1e5 * truth * np.exp(noise * random.standard_normal((experiments, 40)))
    theirs = 1e5 * np.exp(noise * random.standard_normal((experiments, 40)))
    processes = [process for process in range(20) for _ in range(2)]
    pairs = zip(ours.tolist(), theirs.tolist(), strict=True)
    return Counter(judge(paired_ratio(*pair, processes, processes, confidence), margin) for pair in pairs)


def test_a_difference_of_five_percent_is_detected() -> None:
    assert verdicts(0.95, 0.01, 0.015)[Verdict.FASTER] > 0.95 * 2000
    assert verdicts(1.05, 0.01, 0.015)[Verdict.SLOWER] > 0.95 * 2000


def test_a_difference_of_five_percent_is_detected_among_twenty() -> None:
    assert verdicts(0.95, 0.01, 0.015, confidence=1 - 0.05 / 20)[Verdict.FASTER] > 0.95 * 2000


def test_equal_implementations_seldom_get_a_verdict() -> None:
    assert verdicts(1.0, 0.01, 0.015)[Verdict.CANNOT_TELL] > 0.998 * 2000
    without_margin = verdicts(1.0, 0.0, 0.015)
    assert 0.93 * 2000 < without_margin[Verdict.CANNOT_TELL] < 0.97 * 2000
    assert without_margin[Verdict.FASTER] == pytest.approx(without_margin[Verdict.SLOWER], abs=30)


def test_a_difference_as_large_as_the_margin_seldom_gets_a_verdict() -> None:
    assert verdicts(1.01, 0.01, 0.015)[Verdict.SLOWER] < 0.035 * 2000


def normal_ratio(log: float, error: float = 1.0) -> Callable[[float], Interval]:
    """Return the intervals, by confidence, of a ratio whose logarithm is normal with this standard error in percent."""

    def interval(confidence: float) -> Interval:
        reach = NormalDist().inv_cdf((1 + confidence) / 2) * error / 100
        return Interval(math.exp(log), math.exp(log - reach), math.exp(log + reach), confidence)

    return interval


def joint_verdicts(logs: Sequence[float], margin: float = 0.0) -> list[Verdict]:
    """Return the verdicts of judge_all on ratios with these logarithms."""
    ratios = judge_all([normal_ratio(log) for log in logs], [margin] * len(logs), 0.95)
    return [judge(ratio, margin) for ratio in ratios if ratio]


@pytest.mark.parametrize("margin", [0.0, 0.01])
def test_verdicts_equal_those_of_holms_p_values(margin: float) -> None:
    random = np.random.default_rng(1)
    counts: Counter[int] = Counter()
    for _ in range(500):
        logs = random.normal(0, 0.035, 6).tolist()
        p_values = [min(1, 2 * NormalDist(0, 0.01).cdf(math.log(1 + margin) - abs(log))) for log in logs]
        expected = [
            Verdict.CANNOT_TELL if p >= 0.05 else Verdict.SLOWER if log > 0 else Verdict.FASTER
            for p, log in zip(holm(p_values), logs, strict=True)
        ]
        assert joint_verdicts(logs, margin) == expected
        counts[sum(verdict is not Verdict.CANNOT_TELL for verdict in expected)] += 1
    assert set(counts) == set(range(7))


@pytest.mark.parametrize("shared", [0.0, 0.7, 1.0])
@pytest.mark.parametrize(
    "truths",
    [
        [0.0] * 8,
        [0.0] * 4 + [0.2] * 4,
        [0.0] + [0.2, -0.2, 0.2] * 2,
        [0.0] * 4 + [0.02, -0.02, 0.03, -0.03],
        [0.001, -0.001] * 4,
    ],
    ids=["all equal", "half far apart", "one equal", "half near", "all almost equal"],
)
def test_few_experiments_have_any_wrong_verdict(truths: list[float], shared: float) -> None:
    """A verdict on equals or in the wrong direction is wrong; ``shared`` is the baseline's part of the variance."""
    random = np.random.default_rng(3)
    errors = math.sqrt(shared) * random.standard_normal((2000, 1))
    errors = 0.01 * (errors + math.sqrt(1 - shared) * random.standard_normal((2000, len(truths))))
    right = [Verdict.SLOWER if truth > 0 else Verdict.FASTER if truth < 0 else None for truth in truths]
    wrong = 0
    for logs in (np.array(truths) + errors).tolist():
        verdicts = joint_verdicts(logs)
        wrong += any(
            verdict not in (Verdict.CANNOT_TELL, expected) for verdict, expected in zip(verdicts, right, strict=True)
        )
    assert wrong <= 0.06 * 2000  # two standard errors above 5 %
    if shared == 0 and right.count(None) in (1, 8):
        assert wrong >= 0.035 * 2000  # the verdicts are not merely too cautious


def test_several_differences_as_large_as_the_margin_seldom_get_a_verdict() -> None:
    random = np.random.default_rng(4)
    logs = math.log(1.02) + 0.01 * random.standard_normal((2000, 8))
    assert sum(Verdict.SLOWER in joint_verdicts(row, 0.02) for row in logs.tolist()) <= 0.035 * 2000


def test_there_are_more_verdicts_than_by_bonferroni_and_none_is_lost() -> None:
    random = np.random.default_rng(5)
    gained = 0
    for _ in range(300):
        logs = random.normal(0, 0.035, 10).tolist()
        bonferroni = [judge(normal_ratio(log)(1 - 0.05 / 10), 0.0) for log in logs]
        for verdict, bonferroni_verdict in zip(joint_verdicts(logs), bonferroni, strict=True):
            assert bonferroni_verdict in (Verdict.CANNOT_TELL, verdict)
            gained += verdict is not bonferroni_verdict
    assert gained > 100


def test_missing_ratios_stay_missing_and_do_not_count() -> None:
    ratios = judge_all([None, normal_ratio(0.021), None], [0.0] * 3, 0.95)
    assert ratios[0] is ratios[2] is None
    assert ratios[1] is not None
    assert ratios[1].confidence == pytest.approx(0.95)
    assert judge(ratios[1], 0.0) is Verdict.SLOWER
    assert judge_all([], [], 0.95) == []
    assert judge_all([None], [0.0], 0.95) == [None]


def test_each_interval_has_the_confidence_of_its_verdict() -> None:
    """A z of 10 is significant among three (2.39), 2.27 among the remaining two (2.24), and 1 is not (1.96)."""
    ratios = judge_all([normal_ratio(0.01), normal_ratio(0.1), normal_ratio(0.0227)], [0.0] * 3, 0.95)
    assert [ratio.confidence for ratio in ratios if ratio] == pytest.approx([0.95, 1 - 0.05 / 3, 1 - 0.05 / 2])
    assert [judge(ratio, 0.0) for ratio in ratios if ratio] == [Verdict.CANNOT_TELL, Verdict.SLOWER, Verdict.SLOWER]


def test_each_ratio_is_judged_at_its_own_margin() -> None:
    ratios = judge_all([normal_ratio(0.1), normal_ratio(0.1)], [0.01, 0.2], 0.95)
    assert [ratio.confidence for ratio in ratios if ratio] == pytest.approx([1 - 0.05 / 2, 0.95])


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, math.nan])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        judge_all([normal_ratio(0.1)], [0.0], confidence)


def test_comparisons_elsewhere_count_as_undecided() -> None:
    (ratio,) = judge_all([normal_ratio(0.1)], [0.0], 0.95, others=9)
    assert ratio is not None
    assert ratio.confidence == pytest.approx(1 - 0.05 / 10)
