import numpy as np

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Takes 64 MiB in prepare, and keeps them as an attribute."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        self.packed = np.ones(64 << 20, np.uint8)
        return super().prepare(problem, target)
