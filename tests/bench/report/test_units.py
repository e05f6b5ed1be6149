"""Numbers as text."""

import math

import pytest

from bench.report.units import (
    counted,
    duration,
    duration_interval,
    duration_with_interval,
    number,
    percent,
    ratio_with_interval,
    rough_time,
    size,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1.000"),
        (0.51234, "0.5123"),
        (1234.4, "1,234"),
        (123456.0, "123,456"),
        (2e-7, "2.000e-07"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (None, "–"),
    ],
)
def test_number(value, text):
    assert number(value) == text


def test_units_fit_and_stick_to_their_numbers():
    assert duration(1_234_500) == "1.234\u00a0ms"
    assert duration(0.5) == "0.5000\u00a0ns"
    assert duration_interval(999_000, 1_010_000, like=1_000_000) == "0.9990 to 1.010"
    assert size(1536) == "1.50\u00a0KiB"
    assert size(17) == "17\u00a0B"
    assert percent(0.018) == "1.80\u00a0%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (89.4, "89 s"), (91, "2 min"), (240, "4 min"), (5400, "1.5 h"), (36000, "10.0 h")],
)
def test_a_rough_time_has_no_false_digits(seconds, text):
    assert rough_time(seconds) == text


def test_an_interval_has_the_unit_of_its_estimate():
    assert duration_with_interval(1_000_000, 999_000, 1_010_000) == "1.000\u00a0ms [0.9990, 1.010]"


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((0.5562, 0.525, 0.588), "0.556 [0.525, 0.588]"),
        ((0.01234, 0.0, math.inf), "0.0123 [0, ∞]"),
        ((52.026, 9.9941, 57656.2), "52.03 [9.994, 57,656]"),
    ],
)
def test_a_ratio_has_digits_that_suit_it(ends, text):
    assert ratio_with_interval(*ends) == text


def test_a_count_agrees_with_its_noun():
    assert [counted(count, "case") for count in (0, 1, 2)] == ["0 cases", "1 case", "2 cases"]
