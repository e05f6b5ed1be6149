"""A test for each case of suite ``first``, of each implementation that is available here, with ``--benchmark-only``.

pytest-benchmark does the timing; every other step is the same as in a run, but in this process. A library is loaded by
the first test that needs it.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.core import registry
from bench.core.case import Case
from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import Check, Record, Status
from bench.core.target import Target
from bench.frontends.pytest import SUITE
from bench.run.attempt import Attempt
from bench.run.executors.inprocess import InProcess, InProcessRunner
from bench.run.plan import Session

EDGE = Target("edge")

others: list[Record] = []
"""Records without a time, which pytest-benchmark does not store."""
_executor = InProcess(EDGE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Order the tests by case, so that the implementations of a case are measured near each other in time."""
    parameter_sets = [
        pytest.param(spec, case, id=f"{name}-{case.slug}-{spec.name}")
        for name, workload in registry.workloads().items()
        for case in workload.suites()[SUITE]
        if not workload.missing(case)
        for spec in registry.implementations()
        if spec.workload == name and EDGE.kind in spec.targets and not spec.missing()
    ]
    metafunc.parametrize(("spec", "case"), parameter_sets)


def test_call(spec: ImplementationSpec, case: Case, benchmark: BenchmarkFixture) -> None:
    """Check one implementation on one case, and have pytest-benchmark time its call."""
    benchmark.group = f"{spec.workload} {case.slug}"
    name = str(spec.workload)
    attempt = Attempt(spec, Session(name, registry.workload(name), case, (spec,)), _executor, EDGE.cores)
    started = datetime.now(UTC)
    attempt.examine(EDGE.cores)
    attempt.warm_up()
    _require_passed(attempt, started)
    assert isinstance(attempt.runner, InProcessRunner)
    try:
        benchmark(attempt.runner.worker.call)
    except Exception as error:
        attempt.fail(Status.FAILED, f"timing: {type(error).__name__}: {error}")
    attempt.take_round(1)  # pytest-benchmark keeps no output of a timed call
    attempt.finish()
    if not attempt.passing:  # Neither the file nor the table shows the time of an output that was wrong afterwards.
        benchmark.has_error = True
        if benchmark.stats:
            benchmark.stats.stats.data.clear()
    _require_passed(attempt, started)
    _describe(attempt, benchmark, started)


def _require_passed(attempt: Attempt, started: datetime) -> None:
    """Keep the record of a failed attempt in ``others``, and end its test."""
    if not attempt.passing:
        others.append(attempt.record("", started, None))
        end = pytest.skip if attempt.status is Status.UNSUPPORTED else pytest.fail
        end(f"{attempt.status}: {attempt.reason}")


def _describe(attempt: Attempt, benchmark: BenchmarkFixture, started: datetime) -> None:
    """Add what pytest-benchmark does not know to the times."""
    work = attempt.work or attempt.session.workload.work(attempt.session.case)
    assert work is not None
    assert attempt.memory is not None
    assert isinstance(attempt.check, Check)
    memory: dict[str, Any] = attempt.memory.model_dump()
    benchmark.extra_info.update(macs=work.macs, least_bytes=work.least_bytes, parameters=work.parameters, **memory)
    benchmark.extra_info.update(error=attempt.check.error, tolerance=attempt.check.tolerance)
    benchmark.extra_info["record"] = {
        "workload": attempt.session.workload_name,
        "implementation": attempt.spec.name,
        "case": attempt.session.case.slug,
        "target": str(EDGE),
        "parameters": attempt.session.case.model_dump(mode="json"),
        "session": f"{started:%Y%m%dT%H%M%S.%f}",  # a session of its own, as its rounds pair with no others
        "started": started.isoformat(),
        "work": work.model_dump(),
        "seconds": {"prepare": attempt.seconds["prepare"]},
        "artifacts": {kind: reference.model_dump() for kind, reference in attempt.artifacts.items()},
        "facts": attempt.facts,
        "check": attempt.check.model_dump(),
        "memory": memory,
    }
