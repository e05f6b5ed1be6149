"""On target ``edge`` every implementation runs on one thread of its own worker, and passes or states why it cannot."""

from collections.abc import Iterator

import pytest

from bench.core import registry
from bench.core.budget import Budget
from bench.core.implementation_spec import ImplementationSpec
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


SPECS = [spec for spec in registry.implementations() if "edge" in spec.targets]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.workload}-{spec.name}")
def test_one_thread_works_on_the_edge(spec: ImplementationSpec, workers: Workers) -> None:
    """The implementations run for long enough that the time of other threads would show."""
    request = Request(workloads=(str(spec.workload),), suite="quick", target=EDGE, implementations=(spec.name,))
    (record,) = measure_case(plan(request)[0], workers, BUDGET.timed_s)
    assert record.implementation == spec.name
    assert record.status in (Status.PASSED, Status.UNSUPPORTED), record.reason
    if record.status is Status.PASSED:
        assert record.facts[THREADS_THAT_RAN] == "1"
