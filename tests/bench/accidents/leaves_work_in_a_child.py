import os
import time
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col

WORK_S = 0.03
"""Processor time that each call asks of the child, s: many times that of the call itself."""


class Accident(Im2col):
    """Computes correctly, but gives a child process more work in each call than it can do before the next."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        request_reader, request_writer = os.pipe()
        if os.fork() == 0:
            os.close(request_writer)  # so that the pipe closes when the parent ends
            while os.read(request_reader, 1):
                end = time.process_time() + WORK_S
                while time.process_time() < end:
                    pass
            os._exit(0)

        def call() -> Any:
            os.write(request_writer, b"?")
            return compute()

        return call
