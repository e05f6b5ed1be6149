"""Measured numbers are shown as precisely as their intervals allow."""

import math

import pytest

from bench.claims.units import parse_unit
from bench.paper.content import Measured
from bench.stats.interval import Interval


@pytest.mark.parametrize(
    ("ends", "least_digits", "text", "shown_ends"),
    [
        ((10.80, 10.76, 10.84), 0, "10.80", "10.76 to 10.84"),
        ((58.8, 58.2, 59.5), 0, "58.8", "58.2 to 59.5"),
        ((0.0880, 0.0832, 0.0931), 0, "0.0880", "0.0832 to 0.0931"),
        ((-0.04, -0.3701, 0.2901), 0, "−0.04", "−0.37 to 0.29"),
        ((79.228, 78.24, 80.22), 2, "79.23", "78.24 to 80.22"),
        ((25.557, 25.557, 25.557), 2, "25.56", ""),
        ((2.0, -math.inf, math.inf), 0, "2.00", "−∞ to ∞"),
    ],
)
def test_digits_follow_the_interval(
    ends: tuple[float, float, float], least_digits: int, text: str, shown_ends: str
) -> None:
    number = Measured(Interval(*ends, 0.95), parse_unit("x"), (), least_digits)
    assert number.text == f"{text}\u00a0×"
    assert number.ends == shown_ends
