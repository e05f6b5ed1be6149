"""Work that continues after calls have returned is detected, and distinguished from threads that only spin."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Event, Thread

import numpy as np
import pytest

from bench.measure.leftover_work import MAX_WAIT_S, leftover_cpu_s, wait_until_idle

SQUARE = np.ones((300, 300), np.float32)


def product() -> None:
    SQUARE @ SQUARE


def spin(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture
def make_background_call() -> Iterator[Callable[[Callable[[], None]], Callable[[], None]]]:
    """Return a function that makes calls; each gives work to a thread and does not wait. The threads end afterwards."""
    queues: list[SimpleQueue[Callable[[], None] | None]] = []
    threads: list[Thread] = []

    def make(work: Callable[[], None]) -> Callable[[], None]:
        queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

        def serve() -> None:
            while task := queue.get():
                task()

        queues.append(queue)
        threads.append(Thread(target=serve))
        threads[-1].start()
        return lambda: queue.put(work)

    yield make
    for queue, thread in zip(queues, threads, strict=True):
        while not queue.empty():
            queue.get()
        queue.put(None)
        thread.join()


def test_calls_that_do_their_work_leave_nothing() -> None:
    """They are made on one thread of a new process: those of a pool spin, and those of this one have other work too."""
    code = (
        "import numpy as np; from bench.measure.leftover_work import leftover_cpu_s; "
        "square = np.ones((300, 300), np.float32); print(leftover_cpu_s(lambda: square @ square))"
    )
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    completed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    assert float(completed.stdout) < 1e-3


def test_work_that_piles_up_in_a_thread_is_detected(make_background_call: Callable[..., Callable[[], None]]) -> None:
    assert leftover_cpu_s(make_background_call(product)) > 0.01


def test_work_that_piles_up_in_a_process_is_detected() -> None:
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.close(writer)
        while os.read(reader, 1):
            spin(1e-3)
        os._exit(0)
    os.close(reader)
    try:
        assert leftover_cpu_s(lambda: os.write(writer, b"?")) > 0.01
    finally:
        os.close(writer)
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_a_thread_that_never_rests_does_not_count_as_leftover_work() -> None:
    stop = Event()
    thread = Thread(target=lambda: [spin(1e-3) for _ in iter(stop.is_set, True)])
    thread.start()
    try:
        assert leftover_cpu_s(product) == 0
    finally:
        stop.set()
        thread.join()


def test_waiting_ends_with_the_work_or_at_its_limit(make_background_call: Callable[..., Callable[[], None]]) -> None:
    make_background_call(lambda: spin(0.1))()
    began = time.perf_counter()
    wait_until_idle()
    assert 0.1 < time.perf_counter() - began < 2 * MAX_WAIT_S
    make_background_call(lambda: spin(2 * MAX_WAIT_S))()
    began = time.perf_counter()
    wait_until_idle()
    assert time.perf_counter() - began > MAX_WAIT_S
