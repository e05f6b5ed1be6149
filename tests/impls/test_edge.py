"""On target ``edge`` every implementation runs on one thread of its own worker, and passes or states why it cannot."""

from pathlib import Path

import pytest

from bench.core import registry
from bench.core.budget import Budget
from bench.core.record import THREADS_THAT_RAN, Status
from bench.run.launch import launch
from bench.store import Request


@pytest.mark.parametrize("workload", registry.workloads())
def test_one_thread_works_on_the_edge(workload: str, tmp_path: Path) -> None:
    """Run the first quick case for long enough that the time of other threads would show."""
    case = registry.workload(workload).suites()["quick"][0]
    filters = tuple(f"{name}={text}" for name, text in case.texts().items())
    request = Request(workloads=(workload,), suite="quick", target="edge", case_filters=filters)
    records = launch(request, budget=Budget(timed_s=0.3), results=tmp_path).run.records
    assert {record.implementation for record in records} == {
        spec.name for spec in registry.implementations() if spec.workload == workload and "edge" in spec.targets
    }
    for record in records:
        assert record.status in (Status.PASSED, Status.UNSUPPORTED), f"{record.implementation}: {record.reason}"
        if record.status is Status.PASSED:
            assert record.facts[THREADS_THAT_RAN] == "1", record.implementation
