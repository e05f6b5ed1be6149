import gc

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Changes its input, but only in a timed round."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Array:
            y: Array = compute()
            if not gc.isenabled():  # the collector is off only while timed
                problem.inputs["x"] += 1
            return y

        return call
