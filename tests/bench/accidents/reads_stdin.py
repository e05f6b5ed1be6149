import os
import sys
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Reads all of standard input, which is empty because it is not the harness's."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Any:
            assert sys.stdin.read() == ""
            assert os.read(0, 1) == b""
            return compute()

        return call
