from typing import Any

import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Leaks 1 MiB in every call."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        kept: list[Array] = []

        def call() -> Any:
            kept.append(np.ones(1 << 20, np.uint8))
            return compute()

        return call
