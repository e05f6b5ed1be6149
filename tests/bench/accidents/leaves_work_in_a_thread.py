from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np

from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.im2col import Im2col

ORDER = 1000


class Accident(Im2col):
    """Computes correctly, but gives a thread more work in each call than it can do before the next."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)
        waiting: SimpleQueue[Array] = SimpleQueue()
        Thread(target=_work, args=(waiting,), daemon=True).start()

        def call() -> Any:
            y = compute()
            waiting.put(y)
            return y

        return call


def _work(waiting: "SimpleQueue[Array]") -> None:
    square = np.ones((ORDER, ORDER), np.float32)
    while True:
        waiting.get()
        square = square @ square / ORDER
