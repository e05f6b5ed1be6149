import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Returns an output of which one value is NaN."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Array:
            y: Array = compute()
            y[0, 0, 0, 0] = np.nan
            return y

        return call
