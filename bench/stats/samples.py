"""Checks of the inputs of every statistic."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def finite_array(values: Sequence[float], what: str) -> NDArray[np.float64]:
    """Return ``values`` as a one-dimensional float64 array, in the order given.

    ``what`` names the values in the message.

    Raises:
        ValueError: where there are no values, they are not one flat sequence, or one is NaN or infinite. A statistic of
            such values would look like a measurement without being one.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{what}: expected a flat, non-empty sequence of numbers, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what}: {np.count_nonzero(~np.isfinite(array))} of {array.size} values are not finite")
    return array


def positive_array(values: Sequence[float], what: str) -> NDArray[np.float64]:
    """Return ``values`` as :func:`finite_array` does, checked to be positive so that they have logarithms.

    Raises:
        ValueError: as :func:`finite_array`, and where a value is zero or negative.
    """
    array = finite_array(values, what)
    if (array <= 0).any():
        raise ValueError(f"{what}: expected positive values only, the least is {array.min():g}")
    return array


def check_confidence(confidence: float) -> None:
    """Raise ValueError where ``confidence`` is not strictly between 0 and 1 (95 % is 0.95)."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a number strictly between 0 and 1, got {confidence}")
