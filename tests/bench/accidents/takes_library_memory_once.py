import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col

_library_memory: list[Array] = []


class Accident(Im2col):
    """Lets its library keep 64 MiB from the first call in the process on, which are not the case's own."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Array:
            if not _library_memory:
                _library_memory.append(np.ones(64 << 17))
            y: Array = compute()
            return y

        return call
