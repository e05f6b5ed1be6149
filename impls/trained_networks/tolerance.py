"""Computes the tolerance of a network's logits."""

from bench.core.workload import Array
from bench.measure.correctness import relative_error

TOLERANCE = 1e-4
"""The error of logits (see ``relative_error``) that every network allows: float32 sums through tens of layers, some of
them by Winograd's algorithm. The logits of two images differ by far more."""
ROUNDING_RATIO = 100
"""Networks that amplify rounding, as channels that hardly vary make them do, may have up to this many times the error
that comes of rounding the output of each layer once. Half precision has 8,192 times that error."""
MAX_TOLERANCE = 1e-2
"""No tolerance exceeds this: beyond it, nobody could tell such a network from another."""


def logits_tolerance(rounded: Array, reference: Array) -> float:
    """Return the largest error of logits that passes for a batch of images.

    Args:
        rounded: (batch, classes), in float64, but with the output of each layer rounded to float32.
        reference: the same in float64 throughout.
    """
    return min(max(TOLERANCE, ROUNDING_RATIO * relative_error(rounded, reference)), MAX_TOLERANCE)
