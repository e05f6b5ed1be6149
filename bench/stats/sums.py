"""Weighted sums of independent estimates."""

import math
from collections.abc import Sequence

from bench.stats.interval import Interval


def weighted_sum(parts: Sequence[Interval], weights: Sequence[float]) -> Interval:
    """Return the sum of independent estimates, each times its weight, with an interval.

    Distances from the estimates to the ends of their intervals add up as standard errors do: as the root of the sum of
    their squares, on each side by itself (method of variance estimates recovery: Zou and Donner 2008, Construction of
    confidence limits about effect measures: a general approach, Statistics in Medicine 27). The confidence is that of
    the parts.

    Args:
        parts: the estimates, with intervals of one confidence.
        weights: a weight for each, not negative.

    Raises:
        ValueError: where there is no part, the confidences differ, or a weight is negative.
    """
    if not parts or len({part.confidence for part in parts}) > 1:
        raise ValueError("expected at least one part, and parts of one confidence")
    if min(weights) < 0:
        raise ValueError(f"weights: expected none below zero, got {min(weights)}")
    pairs = list(zip(parts, weights, strict=True))
    estimate = math.fsum(weight * part.estimate for part, weight in pairs)
    below = math.hypot(*(weight * (part.estimate - part.low) for part, weight in pairs))
    above = math.hypot(*(weight * (part.high - part.estimate) for part, weight in pairs))
    return Interval(estimate, estimate - below, estimate + above, parts[0].confidence)
