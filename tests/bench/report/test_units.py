"""Numbers as text."""

import math

import pytest

from bench.report.units import duration, duration_interval, number, percent, size


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
