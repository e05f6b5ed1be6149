import gc

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Wrong in timed calls alone: right in every check, before and after."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        right = super().prepare(problem, target)
        empty = right() * 0

        def call() -> Array:
            y: Array = right() if gc.isenabled() else empty  # the collector is off only while timed
            return y

        return call
