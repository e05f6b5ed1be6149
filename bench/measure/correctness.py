"""Compares outputs with a float64 reference, on inputs that the implementation has not seen."""

import ctypes
import time
import zlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.core.record import Check
from bench.core.trained import Trained
from bench.core.workload import Array, Call, Problem, Workload
from bench.measure.finished import UnfinishedError, require_on_host
from bench.measure.leftover_work import wait_until_idle
from bench.measure.tensors import as_array, fill_with_nan


class WroteToInputsError(Exception):
    """An implementation changed arrays that it may only read."""


FOR_EARLIER_INPUTS = (
    "the output is right for earlier inputs, not for the present ones: does the call read problem.inputs anew?"
)

Output = Array | tuple[Array, ...]

SPOT_VALUES = 64
"""Number of values of an array that are read the moment a call returns: so few that no work can finish meanwhile."""
LATE_S = 0.1
"""Time to wait for a wrong output to change, s; if it does, it is called unfinished."""

UNFINISHED = "the output still changed after the call had returned: wait in the call until its work is done"


class OperatorWorkload(Workload):
    """A workload whose output is an array, or a tuple of them, to compare with a reference."""

    @abstractmethod
    def reference(self, problem: Problem) -> Output:
        """Return the correct output, computed in float64."""

    @abstractmethod
    def tolerance(self, case: Any) -> float:
        """Return the largest error (see ``relative_error``) that still passes, by dtype."""

    def slack(self, case: Any) -> float:
        """Return the error by which outputs of two processes may differ: a tenth of the tolerance.

        Kernels may be chosen by trial, and then sum in another order.
        """
        return self.tolerance(case) / 10

    def reference_output(self, problem: Problem) -> Output:
        """Return the reference, rounded to the dtype of the inputs: what an implementation should return."""
        output, dtype = self.reference(problem), _dtype(problem)
        return tuple(array.astype(dtype) for array in output) if isinstance(output, tuple) else output.astype(dtype)

    def check(self, problem: Problem, call: Call, seed: int) -> Check:
        """Check outputs for two sets of fresh inputs; fill the first output with NaN before the second call."""
        earlier = _with_copied_inputs(problem)
        wait_until_idle()  # otherwise work begun by an earlier call could read the new inputs, and pass as this output
        self.refill(problem, seed)
        output = call()
        first = self.check_output(problem, call, output, earlier)
        if not first.passed:
            return first
        earlier = _with_copied_inputs(problem)
        wait_until_idle()
        for part in _parts(output):
            fill_with_nan(part, [*problem.inputs.values(), *problem.constants.values()])
        del output, part  # so that the next may be given its memory, with NaN in it
        self.refill(problem, seed + 1)
        return worse(first, self.check_output(problem, call, call(), earlier))

    def check_output(self, problem: Problem, call: Call, output: Any, earlier: Problem | None = None) -> Check:
        """Compare an output, as it is now, with the reference for the present inputs.

        Where a wrong output is right for the inputs of ``earlier``, the reason says so.
        """
        check = self._against_reference(problem, output)
        if check.passed or check.reason == UNFINISHED or earlier is None:
            return check
        if not self._against_reference(earlier, output).passed:
            return check
        return check.model_copy(update={"reason": FOR_EARLIER_INPUTS})

    def _against_reference(self, problem: Problem, output: Any) -> Check:
        arrays = as_arrays(copied(output))
        tolerance, host_problem = self.tolerance(problem.case), problem.on_host()
        references = as_arrays(self.reference(host_problem))
        if len(arrays) != len(references):
            reason = f"the output has {len(arrays)} arrays, not {len(references)}"
            return Check(passed=False, reason=reason, tolerance=tolerance)
        largest_error = 0.0
        for number, (array, reference) in enumerate(zip(arrays, references, strict=True), 1):
            error, reason = _compare(array, reference, _dtype(host_problem), tolerance)
            if reason:
                time.sleep(LATE_S)
                if not _same_bytes(arrays, as_arrays(output)):
                    return Check(passed=False, reason=UNFINISHED, tolerance=tolerance)
                which = f"array {number} of {len(arrays)}: " if len(arrays) > 1 else ""
                return Check(passed=False, reason=which + reason, tolerance=tolerance)
            largest_error = max(largest_error, error)
        if not _same_bytes(arrays, as_arrays(output)):
            return Check(passed=False, reason=UNFINISHED, tolerance=tolerance)
        return Check(passed=True, error=largest_error, tolerance=tolerance)


def worse(first: Check, second: Check) -> Check:
    """Return the worse of two checks: one that failed, or else the one with the larger error."""
    if not first.passed or not second.passed:
        return second if first.passed else first
    return max(first, second, key=lambda check: check.error or 0.0)


def agree(outputs: Sequence[Array], others: Sequence[Array], slack: float) -> bool:
    """Whether arrays are equal but for a relative error of ``slack`` (see ``relative_error``) and contain no NaN."""
    return len(outputs) == len(others) and all(
        output.shape == other.shape
        and output.dtype == other.dtype
        and relative_error(output, other.astype(np.float64)) <= slack
        for output, other in zip(outputs, others, strict=True)
    )


def relative_error(output: Array, expected: Array) -> float:
    """Return the largest absolute difference over the largest expected magnitude; NaN where the output has any."""
    scale = float(np.abs(expected).max()) or 1.0
    return float(np.abs(output.astype(np.float64) - expected).max()) / scale


def guarded(call: Call, problem: Problem) -> Call:
    """Return ``call``, guarded against changed inputs and unfinished outputs.

    The returned call raises WroteToInputsError where it changes an input, and UnfinishedError where its output still
    changes or, unless the problem itself is on a device, is not in the host's memory.
    """
    on_host = all(isinstance(array, np.ndarray) for array in problem.inputs.values())

    def checked_call() -> Any:
        before = checksums(problem.inputs)
        output = call()
        at_return = _spot_values(output)  # before other threads can run
        if on_host:
            require_on_host(output)
        require_unchanged(problem.inputs, before)
        if _spot_values(output) != at_return:
            raise UnfinishedError(UNFINISHED)
        return output

    return replace(call, predict=checked_call) if isinstance(call, Trained) else checked_call


def _spot_values(output: Any) -> list[tuple[object, ...]]:
    """Return a few values of each array in the host's memory, first and last among them, as they are at this moment.

    Nothing in this function releases the GIL, as functions of numpy and PyTorch do: another Python thread could finish
    its work meanwhile.
    """
    return [_array_spot_values(part) for part in _parts(output)]


def _array_spot_values(part: Any) -> tuple[object, ...]:
    """Return the values as bytes or text, in which NaN equals itself."""
    if isinstance(part, np.ndarray):
        last = part.size - 1
        indices = range(SPOT_VALUES)
        return tuple(repr(part.item(index * last // (SPOT_VALUES - 1))) for index in indices) if part.size else ()
    if hasattr(part, "data_ptr") and part.device.type == "cpu" and part.numel():
        start, size, last = part.data_ptr(), part.element_size(), part.untyped_storage().nbytes() - part.element_size()
        last = min(last - part.storage_offset() * size, (part.numel() - 1) * size)
        offsets = (index * last // (SPOT_VALUES - 1) // size * size for index in range(SPOT_VALUES))
        return tuple(ctypes.string_at(start + offset, size) for offset in offsets)
    return ()


def checksums(arrays: Mapping[str, Array]) -> dict[str, int]:
    """Return a checksum of each array, by name."""
    contiguous = {name: np.ascontiguousarray(as_array(array)) for name, array in arrays.items()}
    return {name: zlib.crc32(array.view(np.uint8).data) for name, array in contiguous.items()}


def require_unchanged(arrays: Mapping[str, Array], before: Mapping[str, int]) -> None:
    """Raise WroteToInputsError unless the arrays still have the checksums of ``before``."""
    changed = [name for name, value in checksums(arrays).items() if value != before[name]]
    if changed:
        raise WroteToInputsError(f"it writes to its inputs: {', '.join(changed)} changed")


def as_arrays(output: Any) -> tuple[Array, ...]:
    """Return the arrays of an output as numpy's, sharing their memory where possible."""
    return tuple(map(as_array, _parts(output)))


def copied(output: Any) -> Output:
    """Return a copy of an output as it is now, which work that still runs cannot change."""
    arrays = tuple(np.array(array) for array in as_arrays(output))
    return arrays if isinstance(output, tuple) else arrays[0]


def _same_bytes(before: tuple[Array, ...], now: tuple[Array, ...]) -> bool:
    return all(old.tobytes() == new.tobytes() for old, new in zip(before, now, strict=True))


def _with_copied_inputs(problem: Problem) -> Problem:
    """Return the problem with copies of its inputs on the host, which no refill changes."""
    return replace(problem, inputs={name: as_array(array).copy() for name, array in problem.inputs.items()})


def _parts(output: Any) -> tuple[Any, ...]:
    return output if isinstance(output, tuple) else (output,)


def _dtype(problem: Problem) -> np.dtype[Any]:
    """Return the dtype that an output must have: that of the inputs."""
    return next(iter(problem.inputs.values())).dtype


def _compare(output: Array, expected: Array, dtype: np.dtype[Any], tolerance: float) -> tuple[float, str]:
    """Return the error of one array, and what is wrong with it (empty where nothing is)."""
    if reason := _mismatch(output, expected, dtype):
        return 0.0, reason
    error = relative_error(output, expected)
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
