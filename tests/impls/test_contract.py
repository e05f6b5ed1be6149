"""What every implementation must do. New ones are held to it without a line of test code.

Only a file of your own: ``pytest tests/impls/test_contract.py --plugin my_kernel.py -k my_kernel``; one for a GPU,
where there is none, with ``--cuda-on-cpu``.
"""

import time
from collections.abc import Callable
from functools import cache
from random import Random
from typing import NamedTuple

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
from bench.measure.correctness import OperatorWorkload, as_arrays, checksums, guarded, relative_error
from bench.measure.gpu.device import make_float32_exact
from bench.measure.gpu.problem import DeviceProblem

EDGE, CUDA = Target("edge"), Target("cuda")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On target edge, or on cuda what runs nowhere else; where there is a GPU, on both what runs on both."""
    if "place" in metafunc.fixturenames:
        entries = registry.implementations(metafunc.config.getoption("--plugin"))
        found = [(entry, EDGE) for entry in entries if "edge" in entry.targets]
        gpu = CUDA.unavailable() is None
        found += [
            (entry, CUDA) for entry in entries if "cuda" in entry.targets and (gpu or "edge" not in entry.targets)
        ]
        names = [f"{entry.workload}-{entry.name}" + ("-cuda" if target is CUDA else "") for entry, target in found]
        metafunc.parametrize("place", found, ids=names, scope="module")


@pytest.fixture(scope="module")
def entry(place: tuple[Entry, Target]) -> Entry:
    return place[0]


@pytest.fixture(scope="module")
def target(place: tuple[Entry, Target]) -> Target:
    return place[1]


@pytest.fixture(scope="module")
def device(target: Target, pytestconfig: pytest.Config) -> str:
    """Where the tensors of a problem are on target cuda."""
    return "cpu" if pytestconfig.getoption("--cuda-on-cpu") and target.unavailable() else "cuda"


@pytest.fixture(scope="module")
def implementation(entry: Entry, target: Target, device: str) -> Implementation:
    if missing := (device == "cuda" and target.unavailable()) or entry.missing():
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


Prepare = Callable[[Problem], tuple[Problem, Call]]


@pytest.fixture(scope="module")
def prepare(implementation: Implementation, target: Target, device: str) -> Prepare:
    """Places a problem where its target is, and prepares it."""
    if target is CUDA:
        make_float32_exact()

    def prepared(problem: Problem) -> tuple[Problem, Call]:
        placed = DeviceProblem.of(problem, device) if target is CUDA else problem
        return placed, guarded(implementation.prepare(placed, target), placed)

    return prepared


class Examples(NamedTuple):
    """How many random cases a test tries."""

    most: int
    seconds: float
    """No more begin after so long."""


FEWEST, MOST = 5, 100
RANDOM_CASES_S = 8.0
"""How long one test may spend on preparing random cases: where compiling takes seconds, there are fewer of them."""


@pytest.fixture(scope="module")
def examples(
    request: pytest.FixtureRequest, workload: Workload, implementation: Implementation, prepare: Prepare
) -> Examples:
    """As many as ``--examples`` says, or as fit RANDOM_CASES_S."""
    if wanted := request.config.getoption("--examples"):
        return Examples(int(wanted), float("inf"))
    cases = [case for case in some_cases(workload)[0] if implementation.supports(case) is None]
    began = time.perf_counter()
    for case in cases[:2]:
        prepare(workload.problem(case, seed=1))
    each = (time.perf_counter() - began) / len(cases[:2])
    return Examples(max(FEWEST, min(MOST, int(RANDOM_CASES_S / each))), 2 * RANDOM_CASES_S)


def for_random_cases(
    workload: Workload, implementation: Implementation, examples: Examples, test: Callable[[Case], None]
) -> None:
    """Have hypothesis call ``test`` with so many cases, and shrink what fails.

    How long a case takes is known of two only, which a compiler may have kept from before: when the time is over, cases
    are drawn but no more tried, once FEWEST have passed.
    """
    began, passed, failed = time.perf_counter(), 0, False

    def in_time(data: st.DataObject) -> None:
        nonlocal passed, failed
        case = supported(workload, implementation, data)
        if time.perf_counter() - began > examples.seconds and passed >= FEWEST and not failed:
            return
        try:
            test(case)
        except AssertionError:
            failed = True  # and is shrunk, however long that takes
            raise
        passed += 1

    checks = list(HealthCheck)  # slow and picky ones are expected here
    settings(max_examples=examples.most, deadline=None, suppress_health_check=checks, print_blob=True)(
        given(data=st.data())(lambda data: in_time(data))
    )()


def test_random_cases_are_answered_right(
    workload: Workload, implementation: Implementation, prepare: Prepare, examples: Examples
) -> None:
    """Also: it does not write to its inputs (``guarded``), fills its whole answer, reads its inputs at each call."""

    def test(case: Case) -> None:
        problem, call = prepare(workload.problem(case, seed=1))
        found = workload.check(problem, call, seed=2)
        assert found.passed, f"{case.slug}: {found.reason}"

    for_random_cases(workload, implementation, examples, test)


def test_inputs_need_not_be_contiguous(
    workload: Workload, implementation: Implementation, prepare: Prepare, examples: Examples
) -> None:
    def test(case: Case) -> None:
        problem = workload.problem(case, seed=1)
        for name, array in problem.inputs.items():
            spread = np.zeros((*array.shape, 2), array.dtype)[..., 0]
            spread[...] = array
            problem.inputs[name] = spread
        problem, call = prepare(problem)
        found = workload.check(problem, call, seed=2)
        assert found.passed, f"{case.slug}: {found.reason}"

    for_random_cases(workload, implementation, examples, test)


def test_answers_the_same_twice(
    workload: Workload, implementation: Implementation, target: Target, prepare: Prepare, examples: Examples
) -> None:
    """Bit by bit; on a GPU, where libraries add up by atomics, as nearly as is right."""
    (quick, random), began = some_cases(workload), time.perf_counter()
    for case in [case for case in [*quick, *random][: min(30, examples.most)] if implementation.supports(case) is None]:
        if time.perf_counter() - began > examples.seconds:
            break
        _, call = prepare(workload.problem(case, seed=1))
        first = [array.copy() for array in as_arrays(call())]
        for one, again in zip(first, as_arrays(call()), strict=True):
            if target is CUDA and isinstance(workload, OperatorWorkload):
                assert relative_error(again, one.astype(np.float64)) <= workload.tolerance(case), case.slug
            else:
                np.testing.assert_array_equal(one, again, err_msg=case.slug)


def test_two_prepared_cases_do_not_disturb_each_other(
    workload: Workload, implementation: Implementation, prepare: Prepare
) -> None:
    cases = [case for case in some_cases(workload)[0] if implementation.supports(case) is None][:2]
    both = [prepare(workload.problem(case, seed=1)) for case in cases]
    for problem, call in [*both, *reversed(both)]:
        found = workload.confirm(problem, call, call())
        assert found.passed, f"{problem.case.slug}: {found.reason}"


def test_runs_at_least_one_quick_case(workload: Workload, implementation: Implementation) -> None:
    reasons = {implementation.supports(case) for case in workload.suites()["quick"]}
    assert None in reasons, reasons


def test_prepare_leaves_inputs_and_constants_as_they_are(
    workload: Workload, implementation: Implementation, prepare: Prepare
) -> None:
    case = next(case for case in some_cases(workload)[0] if implementation.supports(case) is None)
    problem = workload.problem(case, seed=1)
    before = checksums(problem.inputs | dict(problem.constants))
    problem, _ = prepare(problem)
    assert checksums(problem.inputs | dict(problem.constants)) == before


def test_says_what_it_is_and_what_is_timed(entry: Entry) -> None:
    assert entry.summary.endswith("."), f"{entry.path}: its class needs a docstring whose first line is a sentence"
    assert entry.note, f"{entry.path}: say in `note` what is inside the timed call and what is not"
