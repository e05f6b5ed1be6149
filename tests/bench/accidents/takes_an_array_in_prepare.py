from typing import Any

import numpy as np

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Takes 64 MiB in prepare, in one piece, and keeps them."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        kept = np.ones(64 << 20, np.uint8)

        def call() -> Any:
            assert kept[0]
            return compute()

        return call
