"""1-D convolution by numpy; ``import numpy`` finds the library, not this file."""

import numpy as np

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Array, Call, Problem

from .workload import Conv1dCase


class Numpy(Implementation):
    """A matrix product for each position of the kernel, added up by numpy."""

    workload = "conv1d"
    requires = ("numpy",)
    note = "Timed: the products and their sums. The weight is put in order once, untimed."

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: Conv1dCase = problem.case
        x = problem.inputs["x"]
        taps = np.ascontiguousarray(problem.constants["weight"].transpose(2, 0, 1))

        def call() -> Array:
            y: Array = taps[0] @ x[:, : case.length]
            for start, tap in enumerate(taps[1:], 1):
                y += tap @ x[:, start : start + case.length]
            return y

        return call
