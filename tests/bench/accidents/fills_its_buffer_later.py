import time
from threading import Thread

import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Starts a thread at each call that fills the returned buffer some milliseconds later."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        shape, dtype = problem.case.output_shape, problem.case.dtype

        def call() -> Array:
            y = np.empty(shape, dtype)
            Thread(target=_fill, args=(y, compute), daemon=True).start()
            return y

        return call


def _fill(y: Array, compute: Call) -> None:
    time.sleep(5e-3)
    np.copyto(y, compute())
