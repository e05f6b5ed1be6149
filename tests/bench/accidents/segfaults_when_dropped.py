import ctypes
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Runs well, but crashes when a call that was used more than once is deleted, as a wrong destructor would."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        return _Handle(super().prepare(problem, target))


class _Handle:
    def __init__(self, call: Call) -> None:
        self._call = call
        self._calls = 0

    def __call__(self) -> Any:
        self._calls += 1
        return self._call()

    def __del__(self) -> None:
        if self._calls > 1:
            ctypes.string_at(0)
