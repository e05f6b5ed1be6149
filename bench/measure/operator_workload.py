"""A workload whose outputs are compared with a float64 reference, on inputs that the implementation has not seen."""

import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.core.record import Check
from bench.core.workload import Array, Call, Problem, Workload
from bench.measure.correctness import compare_array, relative_error, worse
from bench.measure.finished import UNFINISHED
from bench.measure.leftover_work import wait_until_idle
from bench.measure.outputs import Output, as_arrays, copy_output, parts_of, same_bytes
from bench.measure.tensors import as_array, fill_with_nan

FOR_EARLIER_INPUTS = (
    "the output is right for earlier inputs, not for the present ones: does the call read problem.inputs anew?"
)
LATE_S = 0.1
"""Time to wait for a wrong output to change, s; if it does, it is called unfinished."""


class OperatorWorkload(Workload):
    """A workload whose output is an array, or a tuple of them, to compare with a reference."""

    @abstractmethod
    def reference(self, problem: Problem) -> Output:
        """Return the correct output, computed in float64."""

    @abstractmethod
    def tolerance(self, case: Any) -> float:
        """Return the largest error (see ``error``) that still passes, by dtype."""

    def tolerance_for_inputs(self, problem: Problem, reference: Output) -> float:
        """Return the largest error that passes for the inputs of ``problem``; by default ``tolerance(case)``.

        Args:
            problem: with its arrays on the host.
            reference: what ``reference(problem)`` returned.
        """
        return self.tolerance(problem.case)

    def error(self, output: Array, expected: Array) -> float:
        """Return the error of one array of the output: usually ``relative_error``."""
        return relative_error(output, expected)

    def process_tolerance(self, case: Any) -> float:
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
        for part in parts_of(output):
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
        arrays, host_problem = as_arrays(copy_output(output)), problem.on_host()
        reference = self.reference(host_problem)
        check = self._compare(arrays, reference, self.tolerance(problem.case), host_problem)
        if not check.passed and check.error is not None:
            check = self._compare(arrays, reference, self.tolerance_for_inputs(host_problem, reference), host_problem)
        if not check.passed:
            time.sleep(LATE_S)
        if not same_bytes(arrays, as_arrays(output)):
            return Check(passed=False, reason=UNFINISHED, tolerance=check.tolerance)
        return check if check.passed else check.model_copy(update={"error": None})

    def _compare(self, arrays: Sequence[Array], reference: Output, tolerance: float, problem: Problem) -> Check:
        """Compare arrays with the reference; a check that failed has an error only where that was too large."""
        references = as_arrays(reference)
        if len(arrays) != len(references):
            reason = f"the output has {len(arrays)} arrays, not {len(references)}"
            return Check(passed=False, reason=reason, tolerance=tolerance)
        largest_error = 0.0
        for position, (array, expected) in enumerate(zip(arrays, references, strict=True), 1):
            error, reason = compare_array(array, expected, _dtype(problem), tolerance, self.error)
            if reason:
                which = f"array {position} of {len(arrays)}: " if len(arrays) > 1 else ""
                return Check(passed=False, reason=which + reason, tolerance=tolerance, error=error or None)
            largest_error = max(largest_error, error)
        return Check(passed=True, error=largest_error, tolerance=tolerance)


def _with_copied_inputs(problem: Problem) -> Problem:
    """Return the problem with copies of its inputs on the host, which no refill changes."""
    return replace(problem, inputs={name: as_array(array).copy() for name, array in problem.inputs.items()})


def _dtype(problem: Problem) -> np.dtype[Any]:
    """Return the dtype that an output must have: that of the inputs."""
    return next(iter(problem.inputs.values())).dtype
