"""Arrays are compared by their largest error."""

import numpy as np

from bench.measure.correctness import norm_error, relative_error


def test_the_error_of_the_norm_is_relative_to_the_norm() -> None:
    expected = np.array([3.0, 4.0])
    assert norm_error(np.array([3.0, 4.5]), expected) == 0.1
    assert np.isnan(norm_error(np.array([np.nan, 4.0]), expected))
    assert norm_error(np.zeros(2), np.zeros(2)) == 0.0


def test_relative_error_is_relative_to_the_largest_magnitude() -> None:
    expected = np.array([0.0, -4.0])
    assert relative_error(np.array([1.0, -4.0]), expected) == 0.25
    assert np.isnan(relative_error(np.array([np.nan, -4.0]), expected))
    assert relative_error(np.zeros(3), np.zeros(3)) == 0.0
