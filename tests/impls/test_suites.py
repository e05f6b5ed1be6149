"""Suite ``first``, the default: the few most telling cases of each workload, so that a first run ends soon."""

import pytest

from bench.cli import request
from bench.core import registry
from bench.frontends import pytest as pytest_frontend


@pytest.mark.parametrize("workload", registry.workloads())
def test_each_workload_has_a_first_suite_of_few_quick_cases(workload: str) -> None:
    suites = registry.workload(workload).suites()
    first = suites["first"]
    assert 1 <= len(first) <= 4
    assert len(set(first)) == len(first)
    assert set(first) <= set(suites["quick"])
    assert set(first) <= set(suites["full"])


def test_the_first_suites_have_few_cases_together() -> None:
    assert sum(len(workload.suites()["first"]) for workload in registry.workloads().values()) == 16


def test_first_is_the_default_suite_everywhere() -> None:
    assert request.DEFAULT_SUITE == "first"
    assert pytest_frontend.SUITE == "first"
