from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Keeps 64 MiB from prepare on, in 4 KiB pieces."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        right = super().prepare(problem, target)
        kept = [bytearray(4008) for _ in range(64 << 8)]  # 4096 each, with what malloc and Python add

        def call() -> Any:
            assert kept
            return right()

        return call
