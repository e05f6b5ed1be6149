"""The chain: original."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.doctor.workload import chain


class Original(Implementation):
    """The chain as it is."""

    workload = "chain"

    def prepare(self, problem: Problem, target: Target) -> Call:
        return lambda: chain(problem)
