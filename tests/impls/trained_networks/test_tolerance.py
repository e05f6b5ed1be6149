"""The tolerance of a network's logits."""

import numpy as np
import pytest

from impls.trained_networks.tolerance import MAX_TOLERANCE, TOLERANCE, logits_tolerance

EXACT = np.array([[1.0, -4.0], [2.0, 0.5]])


@pytest.mark.parametrize(
    ("float32_error", "expected"),
    [
        (0, TOLERANCE),
        (TOLERANCE / 40, TOLERANCE),
        (TOLERANCE / 2, 15 * TOLERANCE),
        (MAX_TOLERANCE / 5, MAX_TOLERANCE),
        (np.nan, TOLERANCE),
    ],
)
def test_the_tolerance_follows_the_float32_error(float32_error: float, expected: float) -> None:
    float32 = EXACT + np.array([[0, 4.0 * float32_error], [0, 0]])
    assert logits_tolerance(float32, EXACT) == pytest.approx(expected)
