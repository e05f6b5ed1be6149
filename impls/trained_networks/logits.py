"""How far a network's logits in float32 may be from those in float64."""

from bench.core.workload import Array
from bench.measure.correctness import relative_error

TOLERANCE = 1e-4
"""The error of logits (see ``relative_error``) that every network allows: float32 sums through tens of layers, some of
them by Winograd's algorithm. The logits of two images differ by far more."""
TIMES_PYTORCH_ERROR, MAX_TOLERANCE = 30, 1e-2
"""Networks that amplify rounding, as channels that hardly vary make them do, allow so many times the error of PyTorch's
own float32, and never more than the second number. Large tiles of Winograd's algorithm are off by about 10 times as
much as PyTorch, half precision by thousands."""


def logits_tolerance(pytorch: Array, exact: Array) -> float:
    """Return the largest error of logits that passes for a batch of images.

    Args:
        pytorch: (batch, classes), computed by PyTorch in float32 on the CPU.
        exact: the same in float64.
    """
    return min(max(TOLERANCE, TIMES_PYTORCH_ERROR * relative_error(pytorch, exact)), MAX_TOLERANCE)
