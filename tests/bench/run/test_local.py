"""A worker process and the pipe to it."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.core import registry
from bench.core.record import Status
from bench.core.registry import Entry
from bench.core.target import Target
from bench.run.executors.local import LocalWorker
from bench.run.protocol import Reply
from bench.run.workers import Allowance, Workers

EDGE = Target("edge")
WORKLOAD = "impls.grouped_conv2d.workload"
CASE = {"cin": 4, "cout": 4, "h": 5, "w": 5}


@pytest.fixture
def entry() -> Entry:
    return next(entry for entry in registry.implementations() if entry.name == "im2col")


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with Workers(EDGE, Allowance(timeout_s=60), tmp_path / "logs") as started:
        yield started


@pytest.fixture
def worker(entry: Entry, tmp_path: Path) -> Iterator[LocalWorker]:
    started = LocalWorker(entry, EDGE, tmp_path / "log")
    yield started
    started.kill()


def process_of_worker() -> psutil.Process:
    mark = ["-m", "bench.run.worker", str(os.getpid())]
    (process,) = [process for process in psutil.Process().children() if process.cmdline()[2:5] == mark]
    return process


def test_a_worker_does_one_step_after_another(worker: LocalWorker) -> None:
    assert worker.load(WORKLOAD, EDGE, 1 << 30, timeout=60).status is Status.PASSED
    assert worker.ask("prepare", 60, parameters=CASE, seed=1).status is Status.PASSED
    checked = worker.ask("check", 60, seed=2)
    assert (checked.status, checked.result["passed"]) == (Status.PASSED, True)


def test_a_number_that_is_none_arrives_as_such() -> None:
    """A loss that diverged, say: JSON has no NaN, and null would be no number."""
    sent = Reply(result={"metrics": {"loss": float("nan"), "worst": float("inf")}}, seconds=0.0)
    loss, worst = Reply.model_validate_json(sent.model_dump_json()).result["metrics"].values()
    assert (loss != loss, worst) == (True, float("inf"))


def test_a_case_that_makes_no_sense_is_a_failure_not_a_crash(worker: LocalWorker) -> None:
    worker.load(WORKLOAD, EDGE, 1 << 30, timeout=60)
    reply = worker.ask("prepare", 60, parameters=CASE | {"groups": 3}, seed=1)
    assert reply.status is Status.FAILED
    assert "groups=3 must divide" in reply.reason
    assert worker.alive


def test_a_worker_that_dies_while_waiting_tells_so_at_its_next_step(workers: Workers, entry: Entry) -> None:
    workers.start([entry])
    workers.ask(entry, "load", workload_module=WORKLOAD)
    process_of_worker().send_signal(signal.SIGABRT)  # which a stopped process sees when it goes on
    reply = workers.ask(entry, "prepare", parameters=CASE, seed=1)
    assert reply.status is Status.CRASHED
    assert "died of SIGABRT during 'prepare'" in reply.reason


def test_a_worker_killed_from_outside_ran_out_of_memory_as_far_as_anyone_can_tell(
    workers: Workers, entry: Entry
) -> None:
    workers.start([entry])
    workers.ask(entry, "load", workload_module=WORKLOAD)
    process_of_worker().kill()
    reply = workers.ask(entry, "prepare", parameters=CASE, seed=1)
    assert reply.status is Status.OUT_OF_MEMORY
    assert "the kernel killed the worker (SIGKILL), as it does when memory runs out" in reply.reason


def test_a_lost_worker_is_replaced_at_the_next_case(workers: Workers, entry: Entry) -> None:
    workers.start([entry])
    workers.ask(entry, "load", workload_module=WORKLOAD)
    process_of_worker().kill()
    workers.drop(entry)
    workers.start([entry])
    assert workers.ask(entry, "load", workload_module=WORKLOAD).status is Status.PASSED
    assert workers.ask(entry, "prepare", parameters=CASE, seed=1).status is Status.PASSED


def test_a_waiting_worker_is_stopped_and_ends_with_the_run(entry: Entry, tmp_path: Path) -> None:
    with Workers(EDGE, Allowance(), tmp_path / "logs") as workers:
        workers.start([entry])
        workers.ask(entry, "load", workload_module=WORKLOAD)
        process = process_of_worker()
        deadline = time.monotonic() + 10
        while process.status() != psutil.STATUS_STOPPED and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.status() == psutil.STATUS_STOPPED
    assert not process.is_running()
