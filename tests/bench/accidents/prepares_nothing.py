from bench.core.target import Target
from bench.core.workload import Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Returns nothing from prepare."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> None:  # type: ignore[override]
        super().prepare(problem, target)
