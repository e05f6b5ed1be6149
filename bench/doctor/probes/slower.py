"""The chain with extra work planted."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from bench.doctor.workload import chain


class Slower(Implementation):
    """The chain, and one more product whose result is thrown away: 5 % more work at 20 products."""

    workload = "chain"

    def prepare(self, problem: Problem, target: Target) -> Call:
        def call() -> Array:
            _ = problem.inputs["x"] @ problem.constants["w"]
            return chain(problem)

        return call
