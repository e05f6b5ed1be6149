import os

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Lets itself run on every core of the machine, at every call."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Array:
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
            output: Array = compute()
            return output

        return call
