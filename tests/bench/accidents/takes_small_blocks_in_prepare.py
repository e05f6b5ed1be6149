from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Takes 64 MiB in prepare, in 4 KiB pieces, and keeps them."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        kept = [bytearray(4008) for _ in range(64 << 8)]  # 4096 each, with what malloc and Python add

        def call() -> Any:
            assert kept
            return compute()

        return call
