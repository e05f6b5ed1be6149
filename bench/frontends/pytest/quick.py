"""A test for each quick case of each implementation that is available here. Collected only with ``--benchmark-only``.

pytest-benchmark does the timing; every other step is the worker's own, in this process. A library loads with the first
test that needs it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.core import registry
from bench.core.case import Case
from bench.core.record import Check, Record, Status
from bench.core.target import Target
from bench.measure import correctness
from bench.run.protocol import case_seed
from bench.run.worker import Worker, answer
from bench.run.workers import Allowance

EDGE = Target("edge")

others: list[Record] = []
"""Outcomes without a time, which pytest-benchmark does not store."""
_workers: dict[registry.Entry, Worker] = {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Case by case, so that the implementations of one are measured near each other in time."""
    sets = [
        pytest.param(entry, case, id=f"{name}-{case.slug}-{entry.name}")
        for name, workload in registry.workloads().items()
        for case in workload.suites()["quick"]
        for entry in registry.implementations()
        if entry.workload == name and EDGE.kind in entry.targets and not entry.missing()
    ]
    metafunc.parametrize(("entry", "case"), sets)


def test_call(entry: registry.Entry, case: Case, benchmark: BenchmarkFixture) -> None:
    benchmark.group = f"{entry.workload} {case.slug}"
    attempt = _Attempt(entry, case)
    try:
        prepared = attempt.do("prepare", parameters=case.model_dump(mode="json"), seed=attempt.seed)
        memory = attempt.do("weigh")
        before = attempt.require_right(attempt.do("check", seed=attempt.seed + 1))
        attempt.do("warm")
        attempt.worker.answer = attempt.time(benchmark)
        with _withdrawn_on_error(benchmark):
            rechecked = attempt.do("recheck", seed=attempt.seed + 101)
            check = correctness.worse(before, attempt.require_right(rechecked["check"]))
    finally:
        attempt.worker.drop()
    work = prepared["work"] or attempt.about["work"]
    benchmark.extra_info.update({name: work[name] for name in ("macs", "least_bytes", "parameters")})
    benchmark.extra_info.update(memory | {"error": check.error, "tolerance": check.tolerance})
    benchmark.extra_info["record"] = attempt.about | {
        "work": work,
        "seconds": {"prepare": prepared["prepare_s"]},
        "facts": rechecked["facts"],
        "check": check.model_dump(),
        "memory": memory,
    }


@contextmanager
def _withdrawn_on_error(benchmark: Any) -> Iterator[None]:
    """Neither the file nor the table shows a time for an answer that is found wrong afterwards."""
    try:
        yield
    except BaseException:
        benchmark.has_error = True
        benchmark.stats.stats.data.clear()
        raise


class _Attempt:
    """One implementation on one case. A step that goes wrong ends the test, and is kept in ``others``."""

    def __init__(self, entry: registry.Entry, case: Case) -> None:
        workload = registry.workload(str(entry.workload))
        work = workload.work(case)
        started = datetime.now(UTC)
        self.seed = case_seed(case.slug)
        self.about: dict[str, Any] = {
            "workload": entry.workload,
            "implementation": entry.name,
            "case": case.slug,
            "target": str(EDGE),
            "parameters": case.model_dump(mode="json"),
            "sitting": f"{started:%Y%m%dT%H%M%S.%f}",  # its own: its rounds pair up with nobody's
            "started": started.isoformat(),
            "work": work.model_dump() if work else None,
        }
        if entry in _workers:
            self.worker = _workers[entry]
        else:
            self.worker = Worker()
            self.do(
                "load",
                entry=asdict(entry),
                workload_module=type(workload).__module__,
                target=str(EDGE),
                memory_limit=Allowance().memory_bytes,
            )
            _workers[entry] = self.worker

    def do(self, step: str, **arguments: Any) -> dict[str, Any]:
        reply = answer(self.worker, {"step": step, **arguments})
        if reply.status is not Status.PASSED:
            self._end(reply.status, reply.reason)
        return reply.result

    def time(self, benchmark: BenchmarkFixture) -> Any:
        try:
            return benchmark(self.worker.call)
        except Exception as error:
            return self._end(Status.FAILED, f"timing: {type(error).__name__}: {error}")

    def require_right(self, found: dict[str, Any]) -> Check:
        check = Check.model_validate(found)
        if not check.passed:
            self._end(Status.INCORRECT, check.reason)
        return check

    def _end(self, status: Status, reason: str) -> None:
        others.append(Record.model_validate(self.about | {"status": status, "reason": reason}))
        (pytest.skip if status is Status.UNSUPPORTED else pytest.fail)(f"{status}: {reason}")
