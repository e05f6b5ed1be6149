"""Correctness: answers compared with a float64 reference, on inputs that the implementation has not seen."""

import zlib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bench.core.record import Check
from bench.core.trained import Trained
from bench.core.workload import Array, Call, Problem, Workload
from bench.measure.tensors import as_array, fill_with_nan


class WroteToInputs(Exception):
    """An implementation changed arrays that it may only read."""


Answer = Array | tuple[Array, ...]


class OperatorWorkload(Workload):
    """A workload whose answer is an array, or a tuple of them, to compare with a reference."""

    @abstractmethod
    def reference(self, problem: Problem) -> Answer:
        """The right answer, computed in float64."""

    @abstractmethod
    def tolerance(self, case: Any) -> float:
        """The largest error (see ``relative_error``) that still passes, by dtype."""

    def slow_answer(self, problem: Problem) -> Answer:
        """The reference, rounded to the dtype of the inputs: what an implementation should return."""
        found, dtype = self.reference(problem), _dtype(problem)
        return tuple(array.astype(dtype) for array in found) if isinstance(found, tuple) else found.astype(dtype)

    def check(self, problem: Problem, call: Call, seed: int) -> Check:
        """Two rounds of fresh inputs; the first answer's memory is poisoned with NaN before the second call."""
        self.refill(problem, seed)
        answer = call()
        first = self.confirm(problem, call, answer)
        if not first.passed:
            return first
        for part in _parts(answer):
            fill_with_nan(part, [*problem.inputs.values(), *problem.constants.values()])
        del answer, part  # so that the next may find its memory, and this poison in it
        self.refill(problem, seed + 1)
        return worse(first, self.confirm(problem, call, call()))

    def confirm(self, problem: Problem, call: Call, answer: Any) -> Check:
        """Compare one answer with the reference, for the inputs as they stand."""
        tolerance, given = self.tolerance(problem.case), problem.on_host()
        found, expected = as_arrays(answer), as_arrays(self.reference(given))
        if len(found) != len(expected):
            reason = f"the answer has {len(found)} arrays, not {len(expected)}"
            return Check(passed=False, reason=reason, tolerance=tolerance)
        worst = 0.0
        for place, (one, right) in enumerate(zip(found, expected, strict=True), 1):
            error, reason = _compare(one, right, _dtype(given), tolerance)
            if reason:
                which = f"array {place} of {len(found)}: " if len(found) > 1 else ""
                return Check(passed=False, reason=which + reason, tolerance=tolerance)
            worst = max(worst, error)
        return Check(passed=True, error=worst, tolerance=tolerance)


def worse(one: Check, other: Check) -> Check:
    """Of two checks the one that tells more against the implementation."""
    if not one.passed or not other.passed:
        return other if one.passed else one
    return max(one, other, key=lambda check: check.error or 0.0)


def relative_error(answer: Array, expected: Array) -> float:
    """Largest absolute difference, as a fraction of the largest expected magnitude. NaN where the answer has any."""
    scale = float(np.abs(expected).max()) or 1.0
    return float(np.abs(answer.astype(np.float64) - expected).max()) / scale


def guarded(call: Call, problem: Problem) -> Call:
    """``call``, but raising WroteToInputs where it changes an input."""

    def watched() -> Any:
        before = checksums(problem.inputs)
        answer = call()
        require_unchanged(problem.inputs, before)
        return answer

    return replace(call, predict=watched) if isinstance(call, Trained) else watched


def checksums(arrays: Mapping[str, Array]) -> dict[str, int]:
    """A checksum of each array, by name."""
    whole = {name: np.ascontiguousarray(as_array(array)) for name, array in arrays.items()}
    return {name: zlib.crc32(array.view(np.uint8).data) for name, array in whole.items()}


def require_unchanged(arrays: Mapping[str, Array], before: Mapping[str, int]) -> None:
    """Raise WroteToInputs unless the arrays still have the checksums of ``before``."""
    changed = [name for name, value in checksums(arrays).items() if value != before[name]]
    if changed:
        raise WroteToInputs(f"it writes to its inputs: {', '.join(changed)} changed")


def as_arrays(answer: Any) -> tuple[Array, ...]:
    """The arrays of an answer as numpy sees them, sharing their memory where possible."""
    return tuple(map(as_array, _parts(answer)))


def _parts(answer: Any) -> tuple[Any, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _dtype(problem: Problem) -> np.dtype[Any]:
    """What an answer's dtype must be: that of the inputs."""
    return next(iter(problem.inputs.values())).dtype


def _compare(found: Array, expected: Array, dtype: np.dtype[Any], tolerance: float) -> tuple[float, str]:
    """The error of one array, and what is wrong with it (empty where nothing is)."""
    if reason := _mismatch(found, expected, dtype):
        return 0.0, reason
    error = relative_error(found, expected)
    return error, "" if error <= tolerance else _wrong(found, error, tolerance)


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
