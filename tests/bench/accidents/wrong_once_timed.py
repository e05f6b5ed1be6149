import gc

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Computes correctly until timing begins, and wrongly ever after."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        timed = False

        def call() -> Array:
            nonlocal timed
            timed = timed or not gc.isenabled()  # the collector is off only while timed
            y: Array = compute()
            return y + 1 if timed else y

        return call
