"""On target ``edge`` every implementation runs on one thread of its own worker, and passes or states why it cannot."""

from collections.abc import Iterator

import pytest

from bench.core import registry
from bench.core.budget import Budget
from bench.core.record import THREADS_THAT_RAN, Status
from bench.core.target import Target
from bench.run.plan import plan
from bench.run.session import measure_case
from bench.run.workers import Workers
from bench.store import Request

EDGE, BUDGET = Target("edge"), Budget(timed_s=0.3)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory, one_process: None) -> Iterator[Workers]:
    """Workers for all workloads, so that the libraries are imported once."""
    with Workers(EDGE, BUDGET, tmp_path_factory.mktemp("edge") / "logs") as started:
        yield started


@pytest.mark.timeout(1200)  # some workloads train a network for each of their many implementations
@pytest.mark.parametrize("workload", registry.workloads())
def test_one_thread_works_on_the_edge(workload: str, workers: Workers) -> None:
    """The implementations run for long enough that the time of other threads would show."""
    first_case = plan(Request(workloads=(workload,), suite="quick", target=EDGE))[0]
    records = measure_case(first_case, workers, BUDGET.timed_s)
    assert {record.implementation for record in records} == {
        spec.name for spec in registry.implementations() if spec.workload == workload and "edge" in spec.targets
    }
    for record in records:
        assert record.status in (Status.PASSED, Status.UNSUPPORTED), f"{record.implementation}: {record.reason}"
        if record.status is Status.PASSED:
            assert record.facts[THREADS_THAT_RAN] == "1", record.implementation
