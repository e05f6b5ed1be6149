import os
from contextlib import suppress
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Writes to every open file, including the pipe for its replies."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Any:
            for descriptor in range(3, 64):
                with suppress(OSError):
                    os.write(descriptor, b"garbage\n")
            return compute()

        return call
