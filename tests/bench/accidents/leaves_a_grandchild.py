import os
import time

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Dies, and leaves a process behind that keeps its pipes open."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        def call() -> None:
            if os.fork() == 0:
                time.sleep(3600)
            os._exit(7)

        return call
