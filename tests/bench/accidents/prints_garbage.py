import os
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Writes to standard output from Python and past it, including a line that looks like a reply."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Any:
            print("garbage")
            os.write(1, b'{"result": {}, "status": "failed", "reason": "garbage", "seconds": 0.0}\n')
            return compute()

        return call
