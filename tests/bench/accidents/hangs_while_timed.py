import gc
import time
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Never returns, but only in a timed round."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Any:
            if not gc.isenabled():  # the collector is off only while timed
                time.sleep(3600)
            return compute()

        return call
