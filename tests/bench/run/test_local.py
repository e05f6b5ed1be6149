"""A worker process and its pipe."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.core import registry
from bench.core.budget import Budget
from bench.core.describe import describe
from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import Status
from bench.core.target import Target
from bench.run import workers as workers_module
from bench.run.executors import local
from bench.run.executors.local import LocalWorker
from bench.run.protocol import Reply
from bench.run.workers import ProcessRunner, Workers

EDGE = Target("edge")
WORKLOAD = "impls.grouped_conv2d.workload"
CASE = {"cin": 4, "cout": 4, "h": 5, "w": 5}
CORES = EDGE.cores


@pytest.fixture
def spec() -> ImplementationSpec:
    return next(spec for spec in registry.implementations() if spec.name == "im2col")


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with Workers(EDGE, Budget(timeout_s=60), tmp_path / "logs") as pool:
        yield pool


@pytest.fixture
def worker(spec: ImplementationSpec, tmp_path: Path) -> Iterator[LocalWorker]:
    spawned = LocalWorker.spawn(EDGE, CORES, tmp_path / "log")
    reply = spawned.ask(
        "load",
        60,
        spec=asdict(spec),
        workload_source=WORKLOAD,
        target=str(EDGE),
        memory_limit=1 << 30,
        cores=CORES,
    )
    assert reply.status is Status.PASSED
    yield spawned
    spawned.kill()


def worker_processes() -> list[psutil.Process]:
    """Return the workers of this test process: first the one that was started, then its forks, oldest first."""
    worker = ["-m", "bench.run.worker", str(os.getpid())]
    children = psutil.Process().children(recursive=True)
    return sorted(
        (process for process in children if process.cmdline()[2:5] == worker),
        key=lambda process: process.create_time(),
    )


def start_runner(workers: Workers, spec: ImplementationSpec) -> ProcessRunner:
    workers.import_libraries([spec])
    runner = workers.start_runner(spec, WORKLOAD, CORES)
    assert isinstance(runner, ProcessRunner)
    return runner


def test_a_worker_does_one_step_after_another(worker: LocalWorker) -> None:
    assert worker.ask("prepare", 60, parameters=CASE, cores=CORES).status is Status.PASSED
    checked = worker.ask("check", 60, keep=None)
    assert (checked.status, checked.result["passed"]) == (Status.PASSED, True)


def test_a_case_that_a_fork_prepares_is_unknown_to_its_parent(worker: LocalWorker, tmp_path: Path) -> None:
    forked = worker.fork(tmp_path / "log of the fork", 60)
    assert isinstance(forked, LocalWorker)
    assert forked.ask("prepare", 60, parameters=CASE, cores=CORES).status is Status.PASSED
    assert worker.ask("measure_memory", 60).status is Status.FAILED
    forked.kill()
    assert not forked.alive
    assert worker.ask("prepare", 60, parameters=CASE, cores=CORES).status is Status.PASSED


def test_nan_and_infinity_arrive_unchanged() -> None:
    """A loss that diverged is an example. JSON has no NaN, and null would not be a number."""
    sent = Reply(result={"metrics": {"loss": float("nan"), "worst": float("inf")}}, seconds=0.0)
    loss, worst = Reply.model_validate_json(sent.model_dump_json()).result["metrics"].values()
    assert (loss != loss, worst) == (True, float("inf"))


def test_a_case_that_makes_no_sense_is_a_failure_not_a_crash(worker: LocalWorker) -> None:
    reply = worker.ask("prepare", 60, parameters=CASE | {"groups": 3}, cores=CORES)
    assert reply.status is Status.FAILED
    assert "groups=3 must divide" in reply.reason
    assert worker.alive


def test_a_worker_that_died_while_waiting_fails_its_next_step(workers: Workers, spec: ImplementationSpec) -> None:
    runner = start_runner(workers, spec)
    worker_processes()[-1].send_signal(signal.SIGABRT)  # A stopped process receives it when it continues.
    reply = runner.ask("prepare", parameters=CASE, cores=CORES)
    assert reply.status is Status.CRASHED
    assert "died of SIGABRT during 'prepare'" in reply.reason


@pytest.mark.parametrize(
    ("oom_killed", "status", "why"),
    [
        (True, Status.OUT_OF_MEMORY, "the kernel counted an out-of-memory kill"),
        (False, Status.CRASHED, "the kernel counted no out-of-memory kill"),
        (
            None,
            Status.OUT_OF_MEMORY,
            "the kernel's out-of-memory counters cannot be read: running out of memory is assumed",
        ),
    ],
)
def test_a_killed_worker_ran_out_of_memory_unless_the_kernel_says_otherwise(
    worker: LocalWorker, monkeypatch: pytest.MonkeyPatch, oom_killed: bool | None, status: Status, why: str
) -> None:
    monkeypatch.setattr(local, "was_oom_killed", lambda before: oom_killed)
    worker_processes()[-1].kill()
    reply = worker.ask("prepare", 60, parameters=CASE, cores=CORES)
    assert (reply.status, reply.reason) == (status, f"the worker was killed (SIGKILL) during 'prepare' and {why}")


@pytest.mark.parametrize("slow_to_load", [False, True])
@pytest.mark.parametrize("lost", [0, 1, -1])
def test_a_lost_worker_is_replaced_at_the_next_case(
    workers: Workers, spec: ImplementationSpec, lost: int, slow_to_load: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lost worker had imported libraries, loaded an implementation (kept if loading is slow), or prepared it."""
    monkeypatch.setattr(workers_module, "SLOW_TO_LOAD_S", 0.0 if slow_to_load else 60.0)
    first = start_runner(workers, spec)
    chain = worker_processes()
    assert len(chain) == 2 + slow_to_load
    chain[lost].kill()
    deadline = time.monotonic() + 10  # Its forks, which are last in the chain, die a moment after it.
    while not all(map(has_ended, chain[lost:])) and time.monotonic() < deadline:
        time.sleep(0.01)
    first.end()
    second = start_runner(workers, spec)
    assert second.ask("prepare", parameters=CASE, cores=CORES).status is Status.PASSED


NEEDS_A_PART_OF_ITS_LIBRARY = """
import numpy.f2py
from bench.core.implementation import Implementation
class NeedsAPart(Implementation):
    workload = "grouped_conv2d"
    requires = ("NumPy",)
    def prepare(self, problem, target): ...
"""


@pytest.fixture
def imported_while_loading(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return a list to which each load adds the parts of its libraries that the implementation imported."""
    loads: list[list[str]] = []
    ask = LocalWorker.ask

    def recording_ask(self: LocalWorker, step: str, timeout: float, **arguments: Any) -> Reply:
        reply = ask(self, step, timeout, **arguments)
        if step == "load":
            loads.append(reply.result["imported"])
        return reply

    monkeypatch.setattr(LocalWorker, "ask", recording_ask)
    return loads


@pytest.fixture
def needs_a_part(tmp_path: Path) -> ImplementationSpec:
    path = tmp_path / "needs_a_part.py"
    path.write_text(NEEDS_A_PART_OF_ITS_LIBRARY)
    return describe(path)[0]


def test_parts_of_a_library_are_imported_once_and_the_implementation_in_each_process(
    workers: Workers, needs_a_part: ImplementationSpec, imported_while_loading: list[list[str]]
) -> None:
    for _ in range(2):
        start_runner(workers, needs_a_part).end()
    assert "numpy.f2py" in imported_while_loading[0]
    assert imported_while_loading[1] == []


def test_a_process_that_replaces_a_lost_one_imports_the_parts_again(
    workers: Workers, needs_a_part: ImplementationSpec, imported_while_loading: list[list[str]]
) -> None:
    start_runner(workers, needs_a_part).end()
    library = worker_processes()[0]
    library.kill()
    library.wait(10)
    for _ in range(2):
        start_runner(workers, needs_a_part).end()
    assert "numpy.f2py" in imported_while_loading[1]
    assert imported_while_loading[2] == []


@pytest.mark.parametrize("slow_to_load", [False, True])
def test_a_fact_says_that_an_implementation_was_loaded_once_for_all_of_its_processes(
    workers: Workers, spec: ImplementationSpec, slow_to_load: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_module, "SLOW_TO_LOAD_S", 0.0 if slow_to_load else 60.0)
    runner = start_runner(workers, spec)
    assert runner.ask("prepare", parameters=CASE, cores=CORES).status is Status.PASSED
    assert runner.ask("warm_up", cores=CORES, plan=None).status is Status.PASSED
    facts = runner.ask("conclude").result["facts"]
    assert ("loaded" in facts) is slow_to_load


def has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_a_waiting_worker_is_stopped_and_ends_with_the_run(spec: ImplementationSpec, tmp_path: Path) -> None:
    with Workers(EDGE, Budget(), tmp_path / "logs") as workers:
        runner = start_runner(workers, spec)
        assert runner.ask("prepare", parameters=CASE, cores=CORES).status is Status.PASSED
        processes = worker_processes()
        assert len(processes) >= 2
        deadline = time.monotonic() + 10
        while {process.status() for process in processes} != {psutil.STATUS_STOPPED} and time.monotonic() < deadline:
            time.sleep(0.01)
        assert {process.status() for process in processes} == {psutil.STATUS_STOPPED}
    assert psutil.wait_procs(processes, timeout=10)[1] == []
