from typing import Any

import numpy as np

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Allocates 64 MiB in one piece in each call, and uses all of it."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Any:
            np.ones(64 << 20, np.uint8)
            return compute()

        return call
