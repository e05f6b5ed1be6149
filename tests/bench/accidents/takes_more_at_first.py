import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Takes 64 MiB more in its first call, and gives them back."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        first = True

        def call() -> Array:
            nonlocal first
            if first:
                np.ones(64 << 17)
                first = False
            y: Array = compute()
            return y

        return call
