"""Arrays are compared by their largest error."""

import numpy as np

from bench.measure.correctness import relative_error


def test_relative_error_is_relative_to_the_largest_magnitude() -> None:
    expected = np.array([0.0, -4.0])
    assert relative_error(np.array([1.0, -4.0]), expected) == 0.25
    assert np.isnan(relative_error(np.array([np.nan, -4.0]), expected))
    assert relative_error(np.zeros(3), np.zeros(3)) == 0.0
