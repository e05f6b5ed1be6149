"""The chain as an implementation that needs only numpy."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.doctor.workload import chain


class ChainOfProducts(Implementation):
    """The chain of matrix products, by numpy."""

    workload = "chain"

    def prepare(self, problem: Problem, target: Target) -> Call:
        return lambda: chain(problem)
