import os

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Ends its process at once."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        def call() -> None:
            os._exit(7)

        return call
