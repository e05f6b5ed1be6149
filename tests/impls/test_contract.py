"""What every implementation must do. New ones are held to it without a line of test code.

Only a file of your own: ``pytest tests/impls/test_contract.py --plugin my_kernel.py -k my_kernel``.
"""

import time
from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bench.core import registry
from bench.core.case import Case
from bench.core.implementation import Implementation
from bench.core.registry import Entry
from bench.core.target import Target
from bench.core.workload import Call, Problem, Workload
from bench.measure.correctness import as_arrays, checksums, guarded

EDGE = Target("edge")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "entry" in metafunc.fixturenames:
        found = registry.implementations(metafunc.config.getoption("--plugin"))
        metafunc.parametrize("entry", found, ids=[f"{entry.workload}-{entry.name}" for entry in found], scope="module")


@pytest.fixture(scope="module")
def implementation(entry: Entry) -> Implementation:
    if missing := entry.missing():
        pytest.skip(missing)
    return registry.load(entry)


@pytest.fixture(scope="module")
def workload(entry: Entry) -> Workload:
    assert entry.workload, f"{entry.path} must state its workload as a plain literal"
    return registry.workload(entry.workload)


def supported(workload: Workload, implementation: Implementation, data: st.DataObject) -> Case:
    """A random case that the implementation says it can run; a quick one, if it runs only cases chosen beforehand."""
    if quick := chosen_cases(workload, implementation):
        return data.draw(st.sampled_from(quick))
    case = workload.sample(lambda options: data.draw(st.sampled_from(options)))
    if reason := implementation.supports(case):
        assert len(reason.split()) > 1, "a reason is a phrase that a reader understands"
    assume(reason is None)
    return case


@cache
def chosen_cases(workload: Workload, implementation: Implementation) -> list[Case]:
    """The quick cases that the implementation runs, if it runs no random one; none otherwise."""
    quick, random = some_cases(workload)
    runs_random = any(implementation.supports(case) is None for case in random)
    return [] if runs_random else [case for case in quick if implementation.supports(case) is None]


@cache
def some_cases(workload: Workload) -> tuple[list[Case], list[Case]]:
    """Those of the quick suite, and random ones."""
    random = Random(0)
    return list(workload.suites()["quick"]), [workload.sample(random.choice) for _ in range(200)]


def prepared(workload: Workload, implementation: Implementation, case: Case) -> tuple[Problem, Call]:
    problem = workload.problem(case, seed=1)
    return problem, guarded(implementation.prepare(problem, EDGE), problem)


MOST_EXAMPLES = 100
RANDOM_CASES_S = 20.0
"""How long one test may spend on preparing random cases: where compiling takes seconds, there are fewer of them."""


@pytest.fixture(scope="module")
def examples(request: pytest.FixtureRequest, workload: Workload, implementation: Implementation) -> int:
    """How many random cases a test tries: as many as ``--examples`` says, or as fit RANDOM_CASES_S."""
    if wanted := request.config.getoption("--examples"):
        return int(wanted)
    cases = [case for case in some_cases(workload)[0] if implementation.supports(case) is None]
    began = time.perf_counter()
    for case in cases[:2]:
        prepared(workload, implementation, case)
    each = (time.perf_counter() - began) / len(cases[:2])
    return max(5, min(MOST_EXAMPLES, int(RANDOM_CASES_S / each)))


def for_random_cases(examples: int, test: Callable[[st.DataObject], None]) -> None:
    """Have hypothesis call ``test`` so many times, and shrink what fails."""
    checks = list(HealthCheck)  # slow and picky ones are expected here
    settings(max_examples=examples, deadline=None, suppress_health_check=checks, print_blob=True)(
        given(data=st.data())(lambda data: test(data))
    )()


def test_random_cases_are_answered_right(workload: Workload, implementation: Implementation, examples: int) -> None:
    """Also: it does not write to its inputs (``guarded``), fills its whole answer, reads its inputs at each call."""

    def test(data: st.DataObject) -> None:
        case = supported(workload, implementation, data)
        problem, call = prepared(workload, implementation, case)
        found = workload.check(problem, call, seed=2)
        assert found.passed, f"{case.slug}: {found.reason}"

    for_random_cases(examples, test)


def test_inputs_need_not_be_contiguous(workload: Workload, implementation: Implementation, examples: int) -> None:
    def test(data: st.DataObject) -> None:
        case = supported(workload, implementation, data)
        problem = workload.problem(case, seed=1)
        for name, array in problem.inputs.items():
            spread = np.zeros((*array.shape, 2), array.dtype)[..., 0]
            spread[...] = array
            problem.inputs[name] = spread
        found = workload.check(problem, guarded(implementation.prepare(problem, EDGE), problem), seed=2)
        assert found.passed, f"{case.slug}: {found.reason}"

    for_random_cases(examples, test)


def test_answers_the_same_twice(workload: Workload, implementation: Implementation, examples: int) -> None:
    quick, random = some_cases(workload)
    for case in [case for case in [*quick, *random][: min(30, examples)] if implementation.supports(case) is None]:
        _, call = prepared(workload, implementation, case)
        first = [array.copy() for array in as_arrays(call())]
        for one, again in zip(first, as_arrays(call()), strict=True):
            np.testing.assert_array_equal(one, again, err_msg=case.slug)


def test_two_prepared_cases_do_not_disturb_each_other(workload: Workload, implementation: Implementation) -> None:
    cases = [case for case in some_cases(workload)[0] if implementation.supports(case) is None][:2]
    both = [prepared(workload, implementation, case) for case in cases]
    for problem, call in [*both, *reversed(both)]:
        found = workload.confirm(problem, call, call())
        assert found.passed, f"{problem.case.slug}: {found.reason}"


def test_runs_at_least_one_quick_case(workload: Workload, implementation: Implementation) -> None:
    reasons = {implementation.supports(case) for case in workload.suites()["quick"]}
    assert None in reasons, reasons


def test_prepare_leaves_inputs_and_constants_as_they_are(workload: Workload, implementation: Implementation) -> None:
    case = next(case for case in some_cases(workload)[0] if implementation.supports(case) is None)
    problem = workload.problem(case, seed=1)
    before = checksums(problem.inputs | dict(problem.constants))
    implementation.prepare(problem, EDGE)
    assert checksums(problem.inputs | dict(problem.constants)) == before


def test_says_what_it_is_and_what_is_timed(entry: Entry) -> None:
    assert entry.summary.endswith("."), f"{entry.path}: its class needs a docstring whose first line is a sentence"
    assert entry.note, f"{entry.path}: say in `note` what is inside the timed call and what is not"
