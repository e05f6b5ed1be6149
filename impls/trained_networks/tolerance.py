"""Computes the tolerance of a network's logits."""

from bench.core.workload import Array
from bench.measure.correctness import relative_error

TOLERANCE = 1e-4
"""The error of logits (see ``relative_error``) that every network allows: float32 sums through tens of layers, some of
them by Winograd's algorithm. The logits of two images differ by far more."""
FLOAT32_ERROR_RATIO = 30
"""Networks that amplify rounding, as channels that hardly vary make them do, may have up to this many times the error
of the float32 reference. Large tiles of Winograd's algorithm have about 10 times that error, half precision thousands."""
MAX_TOLERANCE = 1e-2
"""No tolerance exceeds this: beyond it, nobody could tell such a network from another."""


def logits_tolerance(float32_reference: Array, float64_reference: Array) -> float:
    """Return the largest error of logits that passes for a batch of images.

    Args:
        float32_reference: (batch, classes), computed in float32 by what computes the reference.
        float64_reference: the same in float64.
    """
    allowed = FLOAT32_ERROR_RATIO * relative_error(float32_reference, float64_reference)
    return min(max(TOLERANCE, allowed), MAX_TOLERANCE)
