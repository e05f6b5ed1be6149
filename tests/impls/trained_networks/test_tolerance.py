"""The tolerance of a network's logits."""

import numpy as np
import pytest

from impls.trained_networks.tolerance import MAX_TOLERANCE, TOLERANCE, logits_tolerance

EXACT = np.array([[1.0, -4.0], [2.0, 0.5]])


@pytest.mark.parametrize(
    ("rounding_error", "expected"),
    [
        (0, TOLERANCE),
        (TOLERANCE / 200, TOLERANCE),
        (TOLERANCE / 20, 5 * TOLERANCE),
        (MAX_TOLERANCE / 5, MAX_TOLERANCE),
        (np.nan, TOLERANCE),
    ],
)
def test_the_tolerance_follows_the_rounding_error(rounding_error: float, expected: float) -> None:
    rounded = EXACT + np.array([[0, 4.0 * rounding_error], [0, 0]])
    assert logits_tolerance(rounded, EXACT) == pytest.approx(expected)
