"""Steps of a worker, taken in this process."""

import gc
import subprocess
import sys
import weakref
from types import SimpleNamespace
from typing import Any

from bench.core import child
from bench.measure.latency import Round
from bench.run.steps import Worker


class Cycle:
    """An object that only the garbage collector frees."""

    def __init__(self) -> None:
        self.itself = self


def test_garbage_of_a_round_does_not_count_as_kept_memory() -> None:
    garbage: list[weakref.ref[Cycle]] = []

    def take_round(call: Any) -> Round:
        garbage.append(weakref.ref(Cycle()))
        return Round(samples=[1.0], calls=1, output=None)

    worker = Worker()
    worker.call, worker.has_timed_output = (lambda: None), True
    worker.meter = SimpleNamespace(
        take_round=take_round, held_bytes=lambda: sum(reference() is not None for reference in garbage)
    )
    gc.disable()
    try:
        assert worker.round()["held_bytes"] == 0
    finally:
        gc.enable()


HELD_BY_A_ROUND = """
import os
import numpy as np
from bench.core.workload import Problem
from bench.measure.host import HostMeter
from bench.run.steps import Worker

worker = Worker()
worker.meter, worker.problem, worker.padding = HostMeter(), Problem(None, {}, {}), []
worker.call = lambda: np.ones(1 << 20)
before = worker.warm_up(sorted(os.sched_getaffinity(0)), None)["held_bytes"]
print(worker.round()["held_bytes"] - before)
"""


def test_the_output_of_a_round_and_its_copy_do_not_count_as_kept_memory() -> None:
    """In a new process: what other tests have left on the heap decides where arrays lie, and what is given back."""
    command = [sys.executable, "-c", HELD_BY_A_ROUND]
    held = subprocess.run(command, env=child.variables(), check=True, capture_output=True, text=True).stdout
    assert int(held) < 1 << 20, "an output takes 8 MiB"
