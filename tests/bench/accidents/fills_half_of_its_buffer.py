import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Keeps one buffer for its outputs, and fills all of it only in the first call."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        kept: list[Array] = []

        def call() -> Array:
            y: Array = compute()
            if not kept:
                kept.append(y.copy())
            np.copyto(kept[0][:, ::2], y[:, ::2])
            return kept[0]

        return call
