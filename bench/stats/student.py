"""Student's t distribution, for intervals of a mean."""

import math
from functools import cache
from itertools import accumulate

from bench.stats.samples import check_confidence

_HALVINGS = 60
"""Number of halvings of a right angle after which no float64 angle is left between the bounds."""


def t_central(t: float, freedom: int) -> float:
    """Return the probability that a t variable with ``freedom`` degrees of freedom lies within -``t`` to ``t``.

    It uses the finite sums for whole degrees of freedom (Abramowitz & Stegun 1964, Handbook of mathematical functions,
    26.7.3 and 26.7.4), which are exact except for rounding.

    Raises:
        ValueError: where ``t`` is negative or ``freedom`` is below 1.
    """
    if not t >= 0:
        raise ValueError(f"t: expected zero or more, got {t}")
    _check_freedom(freedom)
    return _central(math.atan(t / math.sqrt(freedom)), freedom)


@cache
def t_quantile(confidence: float, freedom: int) -> float:
    """Return t such that a t variable lies within -t to t with probability ``confidence``.

    For 0.95 and 9 degrees of freedom it is 2.262. It is found by bisection of :func:`t_central`.

    Raises:
        ValueError: where ``confidence`` is not strictly between 0 and 1, or ``freedom`` is below 1.
    """
    check_confidence(confidence)
    _check_freedom(freedom)
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _central(middle, freedom) < confidence else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _central(angle: float, freedom: int) -> float:
    """Return what :func:`t_central` does, for t given as the angle whose tangent is t / sqrt(freedom)."""
    odd = freedom % 2
    start = math.cos(angle) if odd else 1.0
    steps = (math.cos(angle) ** 2 * k / (k + 1) for k in range(1 + odd, freedom - 2, 2))
    terms = accumulate(steps, lambda term, step: term * step, initial=start)
    series = math.sin(angle) * sum(terms)
    if not odd:
        return series
    return 2 / math.pi * (angle + (series if freedom > 1 else 0))


def _check_freedom(freedom: int) -> None:
    if freedom < 1:
        raise ValueError(f"freedom: expected at least 1, got {freedom}")
