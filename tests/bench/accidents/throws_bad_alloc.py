import ctypes
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Lets C++'s operator new fail, and catches nothing that it throws."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Any:
            ctypes.CDLL("libstdc++.so.6")._Znwm(ctypes.c_size_t(1 << 45))
            return compute()

        return call
