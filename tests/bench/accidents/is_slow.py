import time
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Takes a tenth of a second for each call."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Any:
            time.sleep(0.1)
            return compute()

        return call
