"""The checks that every statistic makes on what it is given."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def finite_array(values: Sequence[float], what: str) -> NDArray[np.float64]:
    """Return ``values`` as a one-dimensional float64 array, in the order given.

    ``what`` names the values in the message. Raises ValueError where there are none, where they are not one flat
    sequence, or where one is NaN or infinite: a statistic of such values would look like a measurement and be none.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{what}: expected a flat, non-empty sequence of numbers, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what}: {np.count_nonzero(~np.isfinite(array))} of {array.size} values are not finite")
    return array


def positive_array(values: Sequence[float], what: str) -> NDArray[np.float64]:
    """As :func:`finite_array`, and raises ValueError too where a value is zero or negative, which has no logarithm."""
    array = finite_array(values, what)
    if (array <= 0).any():
        raise ValueError(f"{what}: expected positive values only, the least is {array.min():g}")
    return array


def check_confidence(confidence: float) -> None:
    """Raise ValueError where ``confidence`` is not strictly between 0 and 1 (95 % is 0.95)."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a number strictly between 0 and 1, got {confidence}")
