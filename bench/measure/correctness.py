"""Correctness: answers compared with a float64 reference, on inputs that the implementation has not seen."""

import zlib
from abc import abstractmethod
from typing import Any

import numpy as np

from bench.core.record import Check
from bench.core.workload import Array, Call, Problem, Workload


class WroteToInputs(Exception):
    """An implementation changed arrays that it may only read."""


class OperatorWorkload(Workload):
    """A workload whose answer is one array, to compare with a reference."""

    @abstractmethod
    def reference(self, problem: Problem) -> Array:
        """The right answer, computed in float64."""

    @abstractmethod
    def tolerance(self, case: Any) -> float:
        """The largest error (see ``relative_error``) that still passes, by dtype."""

    def check(self, problem: Problem, call: Call, seed: int) -> Check:
        """Two rounds of fresh inputs; the first answer's memory is poisoned with NaN before the second call."""
        tolerance = self.tolerance(problem.case)
        worst = 0.0
        for attempt in range(2):
            self.refill(problem, seed + attempt)
            answer = as_array(call())
            expected = self.reference(problem)
            reason = _mismatch(answer, expected, next(iter(problem.inputs.values())).dtype)
            error = None if reason else relative_error(answer, expected)
            if error is not None and not error <= tolerance:
                reason = _wrong(answer, error, tolerance)
            if reason:
                return Check(passed=False, reason=reason, tolerance=tolerance)
            assert error is not None
            worst = max(worst, error)
            _poison(answer, problem)
        return Check(passed=True, error=worst, tolerance=tolerance)


def relative_error(answer: Array, expected: Array) -> float:
    """Largest absolute difference, as a fraction of the largest expected magnitude. NaN where the answer has any."""
    scale = float(np.abs(expected).max()) or 1.0
    return float(np.abs(answer.astype(np.float64) - expected).max()) / scale


def guarded(call: Call, problem: Problem) -> Call:
    """``call``, but raising WroteToInputs where it changes an input or a constant."""

    def watched() -> Any:
        before = checksum(problem)
        answer = call()
        require_unchanged(problem, before)
        return answer

    return watched


def checksum(problem: Problem) -> dict[str, int]:
    """A checksum of every array that an implementation may only read."""
    return {name: zlib.crc32(np.ascontiguousarray(array).data) for name, array in _arrays(problem).items()}


def require_unchanged(problem: Problem, before: dict[str, int]) -> None:
    """Raise WroteToInputs unless the arrays still have the checksums of ``before``."""
    changed = [name for name, value in checksum(problem).items() if value != before[name]]
    if changed:
        raise WroteToInputs(f"it writes to its inputs: {', '.join(changed)} changed")


def as_array(answer: Any) -> Array:
    """The answer as numpy sees it, sharing its memory where possible."""
    return np.asarray(answer.detach() if hasattr(answer, "detach") else answer)


def _arrays(problem: Problem) -> dict[str, Array]:
    return {**problem.inputs, **problem.constants}


def _mismatch(answer: Array, expected: Array, dtype: np.dtype[Any]) -> str:
    if answer.shape != expected.shape:
        return f"the answer's shape is {answer.shape}, not {expected.shape}"
    if answer.dtype != dtype:
        return f"the answer's dtype is {answer.dtype}, not {dtype}"
    return ""


def _wrong(answer: Array, error: float, tolerance: float) -> str:
    bad = int(np.count_nonzero(~np.isfinite(answer)))
    if bad:
        return f"{bad} of the answer's {answer.size} values are NaN or infinite"
    return f"error {error:.2g} is above the tolerance of {tolerance:.2g}"


def _poison(answer: Array, problem: Problem) -> None:
    shared = any(np.shares_memory(answer, array) for array in _arrays(problem).values())
    if answer.flags.writeable and not shared:
        answer.fill(np.nan)
