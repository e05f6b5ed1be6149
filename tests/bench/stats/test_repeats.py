"""Means over seeds, paired differences, exact p values, Holm's correction."""

import math

import numpy as np
import pytest

from bench.stats.repeats import (
    Finding,
    holm,
    judge_difference,
    mean_interval,
    median_interval,
    min_p,
    paired_differences,
    sign_flip_p,
)
from bench.stats.student import t_central, t_quantile


@pytest.mark.parametrize(
    ("confidence", "freedom", "published"),
    [
        (0.95, 1, 12.706),
        (0.95, 2, 4.303),
        (0.95, 3, 3.182),
        (0.95, 4, 2.776),
        (0.95, 9, 2.262),
        (0.95, 30, 2.042),
        (0.95, 120, 1.980),
        (0.99, 1, 63.657),
        (0.99, 5, 4.032),
        (0.9, 10, 1.812),
        (0.999, 6, 5.959),
    ],
)
def test_quantiles_equal_published_tables(confidence: float, freedom: int, published: float) -> None:
    assert t_quantile(confidence, freedom) == pytest.approx(published, abs=5.1e-4)


@pytest.mark.parametrize("freedom", [1, 2, 3, 8, 9, 400])
def test_the_quantile_inverts_the_distribution(freedom: int) -> None:
    assert t_central(t_quantile(0.95, freedom), freedom) == pytest.approx(0.95, abs=1e-12)
    assert t_central(0, freedom) == 0


def test_invalid_arguments_of_the_t_distribution_are_refused() -> None:
    for call in (lambda: t_central(1, 0), lambda: t_quantile(0.95, 0)):
        with pytest.raises(ValueError, match="freedom"):
            call()
    with pytest.raises(ValueError, match="confidence"):
        t_quantile(1, 3)
    with pytest.raises(ValueError, match="t: expected"):
        t_central(-1.0, 3)


def test_a_mean_interval_equals_the_result_by_hand() -> None:
    # mean 3, s = sqrt(2.5), n = 5: 3 -+ 2.776 * 0.7071
    interval = mean_interval([1, 2, 3, 4, 5])
    assert (interval.estimate, interval.low, interval.high) == pytest.approx((3, 3 - 1.963, 3 + 1.963), abs=1e-3)


def test_a_single_repeat_has_an_unbounded_interval() -> None:
    interval = mean_interval([0.8])
    assert (interval.low, interval.estimate, interval.high) == (-math.inf, 0.8, math.inf)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_mean_intervals_have_their_coverage(count: int) -> None:
    source = np.random.default_rng(7)
    intervals = [mean_interval(row.tolist()) for row in source.normal(0.8, 0.02, (4000, count))]
    coverage = np.mean([interval.low < 0.8 < interval.high for interval in intervals])
    assert coverage == pytest.approx(0.95, abs=0.011)  # 3 standard errors


@pytest.mark.parametrize(
    ("count", "lowest", "highest"), [(5, -math.inf, math.inf), (6, 1, 6), (9, 2, 8), (10, 2, 9), (20, 6, 15)]
)
def test_a_median_lies_between_values_of_these_ranks(count: int, lowest: float, highest: float) -> None:
    interval = median_interval([float(value) for value in range(count, 0, -1)])
    assert (interval.estimate, interval.low, interval.high) == ((count + 1) / 2, lowest, highest)


def test_median_intervals_have_their_coverage() -> None:
    rng = np.random.default_rng(0)
    intervals = [median_interval(values.tolist()) for values in rng.exponential(size=(2000, 10))]
    covered = np.mean([interval.low <= math.log(2) <= interval.high for interval in intervals])
    assert covered == pytest.approx(1 - 22 / 1024, abs=0.01)


def test_p_equals_the_result_by_hand() -> None:
    # the eight sums of +-1, +-2 and +-3 are -6, -4, -2, 0, 0, 2, 4 and 6
    assert sign_flip_p([1, 2, 3]) == 2 / 8
    assert sign_flip_p([-1, 2, 3]) == 4 / 8
    assert sign_flip_p([-1, -2, 3]) == 1.0
    assert sign_flip_p([1.0] * 10) == 2 / 1024 == min_p(10)
    assert sign_flip_p([0.0] * 4) == 1.0
    assert sign_flip_p([5.0]) == 1.0 == min_p(1)


def test_p_does_not_depend_on_rounding() -> None:
    assert sign_flip_p([0.1, 0.2, 0.3]) == sign_flip_p([0.3, 0.2, 0.1]) == 2 / 8
    assert sign_flip_p([0.1, 0.2, -0.3]) == 1.0


def test_p_of_many_repeats_is_sampled_reproducibly() -> None:
    source = np.random.default_rng(1)
    differences = source.normal(0.5, 1, 15).tolist()
    assert sign_flip_p(differences) == sign_flip_p(differences)
    exact = _exact_p(differences)
    assert sign_flip_p(differences) == pytest.approx(exact, abs=4 * math.sqrt(exact / 2**14))
    assert sign_flip_p([1.0] * 40) == min_p(40) > 0


def _exact_p(differences: list[float]) -> float:
    signs = 1 - 2 * (np.arange(2 ** len(differences))[:, None] >> np.arange(len(differences)) & 1)
    return float(np.mean(np.abs(signs @ np.array(differences)) >= abs(sum(differences)) - 1e-9))


def test_false_positives_are_no_more_than_the_level() -> None:
    source = np.random.default_rng(3)
    p_values = np.array([sign_flip_p(row.tolist()) for row in source.standard_t(2, (2000, 8))])
    for level in (0.01, 0.05, 0.2):
        assert np.mean(p_values <= level) < level + 3 * math.sqrt(level / 2000)
    assert np.mean(p_values <= 0.2) > 0.15  # the test is not merely too conservative


def test_holm_equals_the_result_by_hand() -> None:
    # sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.06 (none below its predecessor)
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []
    with pytest.raises(ValueError, match="0 to 1"):
        holm([0.5, math.nan])


def test_a_difference_is_judged_by_p_and_direction() -> None:
    assert judge_difference(0.1, 0.049, True) is Finding.BETTER
    assert judge_difference(0.1, 0.049, False) is Finding.WORSE
    assert judge_difference(-0.1, 0.0, True) is Finding.WORSE
    assert judge_difference(-0.1, 0.0, False) is Finding.BETTER
    assert judge_difference(0.1, 0.05, True) is Finding.CANNOT_TELL


def test_differences_are_paired() -> None:
    assert paired_differences([3.0, 5.0], [1.0, 6.0]) == [2.0, -1.0]
    with pytest.raises(ValueError, match="do not pair"):
        paired_differences([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="baseline"):
        paired_differences([1.0], [math.nan])
