"""How far logits in float32 may be from those in float64."""

import numpy as np
import pytest

from impls.trained_networks.logits import MAX_TOLERANCE, TOLERANCE, logits_tolerance

EXACT = np.array([[1.0, -4.0], [2.0, 0.5]])


@pytest.mark.parametrize(
    ("pytorch_error", "expected"),
    [
        (0, TOLERANCE),
        (TOLERANCE / 40, TOLERANCE),
        (TOLERANCE / 2, 15 * TOLERANCE),
        (MAX_TOLERANCE / 5, MAX_TOLERANCE),
        (np.nan, TOLERANCE),
    ],
)
def test_the_limit_follows_the_error_of_pytorch(pytorch_error: float, expected: float) -> None:
    pytorch = EXACT + np.array([[0, 4.0 * pytorch_error], [0, 0]])
    assert logits_tolerance(pytorch, EXACT) == pytest.approx(expected)
