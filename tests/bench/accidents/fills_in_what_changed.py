import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Keeps one buffer and writes only the values that changed, as if nothing else ever wrote to its outputs."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        kept: Array = compute().copy()

        def call() -> Array:
            y: Array = compute()
            np.copyto(kept, y, where=np.abs(y - kept) > 0)
            return kept

        return call
