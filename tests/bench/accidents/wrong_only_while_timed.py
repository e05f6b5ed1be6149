import gc

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Returns a wrong output in timed calls only, and the right one in every check before and after."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        empty = compute() * 0

        def call() -> Array:
            y: Array = compute() if gc.isenabled() else empty  # the collector is off only while timed
            return y

        return call
