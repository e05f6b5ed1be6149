from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Returns the first call's output from every call."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        outputs: list[Array] = []

        def call() -> Array:
            if not outputs:
                outputs.append(compute().copy())
            return outputs[0].copy()

        return call
