import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Keeps one buffer and writes only what differs from last time, as if nobody else ever wrote to its answers."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        right = super().prepare(problem, target)
        kept: Array = right().copy()

        def call() -> Array:
            y: Array = right()
            np.copyto(kept, y, where=np.abs(y - kept) > 0)
            return kept

        return call
