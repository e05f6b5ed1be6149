"""1-D convolution: an example of a workload outside the checkout."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from bench.core.case import Case
from bench.core.record import Work
from bench.core.workload import Array, Pick, Problem
from bench.measure.operator_workload import OperatorWorkload


class Conv1dCase(Case):
    """Numbers of channels, and lengths of output and kernel; there is no padding."""

    cin: int = Field(ge=1)
    cout: int = Field(ge=1)
    length: int = Field(ge=1)
    kernel: int = Field(default=3, ge=1)


class Conv1d(OperatorWorkload):
    """Y = W * X, in float32.

    Input: ``x`` (cin, length + kernel - 1). Constant: ``weight`` (cout, cin, kernel). Output: (cout, length).
    """

    title = "1-D convolution"
    case_type = Conv1dCase
    baseline = "pytorch"
    sweep = "kernel"

    def suites(self) -> Mapping[str, Sequence[Conv1dCase]]:
        layers = [Conv1dCase(cin=64, cout=64, length=512, kernel=kernel) for kernel in (3, 9)]
        return {"first": layers[:1], "quick": layers, "full": layers}

    def problem(self, case: Conv1dCase, seed: int) -> Problem:
        """Draw inputs by ``seed``; the weight of a case is always the same."""
        weight = np.random.default_rng(0).standard_normal((case.cout, case.cin, case.kernel), np.float32)
        x = np.random.default_rng(seed).standard_normal((case.cin, case.length + case.kernel - 1), np.float32)
        return Problem(case, {"x": x}, {"weight": weight})

    def reference(self, problem: Problem) -> Array:
        """Sum over each window of x, in float64."""
        x, weight = problem.inputs["x"].astype(np.float64), problem.constants["weight"].astype(np.float64)
        windows = np.lib.stride_tricks.sliding_window_view(x, problem.case.kernel, axis=1)
        y: Array = np.tensordot(weight, windows, axes=((1, 2), (0, 2)))
        return y

    def tolerance(self, case: Conv1dCase) -> float:
        return 1e-4

    def work(self, case: Conv1dCase) -> Work:
        parameters = case.cout * case.cin * case.kernel
        numbers = case.cin * (case.length + case.kernel - 1) + parameters + case.cout * case.length
        return Work(macs=parameters * case.length, least_bytes=4 * numbers, parameters=parameters)

    def random_case(self, pick: Pick[Any]) -> Conv1dCase:
        cin, cout, length, kernel = pick([1, 3, 8]), pick([1, 4, 5]), pick(range(1, 40)), pick([1, 2, 3, 7])
        return Conv1dCase(cin=cin, cout=cout, length=length, kernel=kernel)
