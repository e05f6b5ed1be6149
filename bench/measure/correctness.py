"""Compares arrays with what is expected of them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.core.record import Check
from bench.core.workload import Array


def worse(first: Check, second: Check) -> Check:
    """Return the worse of two checks: one that failed, or else the one with the larger error."""
    if not first.passed or not second.passed:
        return second if first.passed else first
    return max(first, second, key=lambda check: check.error or 0.0)


def agree(outputs: Sequence[Array], others: Sequence[Array], tolerance: float) -> bool:
    """Whether arrays differ by a relative error of ``tolerance`` at most (see ``relative_error``), with no NaN."""
    return len(outputs) == len(others) and all(
        output.shape == other.shape
        and output.dtype == other.dtype
        and relative_error(output, other.astype(np.float64)) <= tolerance
        for output, other in zip(outputs, others, strict=True)
    )


def relative_error(output: Array, expected: Array) -> float:
    """Return the largest absolute difference over the largest expected magnitude; NaN where the output has any."""
    scale = float(np.abs(expected).max()) or 1.0
    return float(np.abs(output.astype(np.float64) - expected).max()) / scale


def norm_error(output: Array, expected: Array) -> float:
    """Return the Euclidean norm of the difference over that of what is expected; NaN where the output has any."""
    scale = float(np.linalg.norm(expected)) or 1.0
    return float(np.linalg.norm(output.astype(np.float64) - expected)) / scale


def compare_array(
    output: Array,
    expected: Array,
    dtype: np.dtype[Any],
    tolerance: float,
    error_of: Callable[[Array, Array], float] = relative_error,
) -> tuple[float, str]:
    """Return the error of one array, and what is wrong with it (empty where nothing is)."""
    if reason := _mismatch(output, expected, dtype):
        return 0.0, reason
    error = error_of(output, expected)
    return error, "" if error <= tolerance else _describe_error(output, error, tolerance)


def _mismatch(output: Array, expected: Array, dtype: np.dtype[Any]) -> str:
    if output.shape != expected.shape:
        return f"the output's shape is {output.shape}, not {expected.shape}"
    if output.dtype != dtype:
        return f"the output's dtype is {output.dtype}, not {dtype}"
    return ""


def _describe_error(output: Array, error: float, tolerance: float) -> str:
    non_finite = int(np.count_nonzero(~np.isfinite(output)))
    if non_finite:
        return f"{non_finite} of the output's {output.size} values are NaN or infinite"
    return f"error {error:.2g} is above the tolerance of {tolerance:.2g}"
