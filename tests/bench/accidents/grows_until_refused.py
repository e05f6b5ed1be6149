import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Asks for ever more memory, and uses it."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        kept: list[Array] = []

        def call() -> None:
            while True:
                kept.append(np.ones(1 << 20))

        return call
