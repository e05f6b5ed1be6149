"""Steps of a worker, taken in this process."""

import gc
import weakref
from types import SimpleNamespace
from typing import Any

from bench.measure.latency import Round
from bench.run.worker import Worker


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
    worker.call, worker.output = (lambda: None), ()
    worker.meter = SimpleNamespace(
        take_round=take_round, held_bytes=lambda: sum(reference() is not None for reference in garbage)
    )
    gc.disable()
    try:
        assert worker.round()["held_bytes"] == 0
    finally:
        gc.enable()
