import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col

_of_the_library: list[Array] = []


class Accident(Im2col):
    """Its library keeps 64 MiB from the first call in the process on: not the case's own."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        right = super().prepare(problem, target)

        def call() -> Array:
            if not _of_the_library:
                _of_the_library.append(np.ones(64 << 17))
            y: Array = right()
            return y

        return call
