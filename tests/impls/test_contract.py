"""The contract that every implementation must keep. New implementations are tested without a line of test code.

To test only a file of your own, run ``pytest tests/impls/test_contract.py --plugin my_kernel.py -k my_kernel``, and for
a workload of your own ``--plugin conv1d -k conv1d`` with its folder; add ``--cuda-on-cpu`` to test a GPU implementation
where there is no GPU.
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

from bench import artifacts, environments
from bench.core import registry
from bench.core.case import Case
from bench.core.implementation import Implementation
from bench.core.implementation_spec import ImplementationSpec
from bench.core.loading import load
from bench.core.target import Target
from bench.core.workload import Call, Problem, Workload
from bench.measure.correctness import relative_error
from bench.measure.gpu.device import make_float32_exact
from bench.measure.gpu.problem import DeviceProblem
from bench.measure.guard import checksums, guard
from bench.measure.operator_workload import OperatorWorkload
from bench.measure.outputs import as_arrays

EDGE, CUDA = Target("edge"), Target("cuda")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each implementation on edge, or on cuda if it runs nowhere else; where there is a GPU, on all its targets."""
    if "spec_and_target" in metafunc.fixturenames:
        specs = registry.implementations(metafunc.config.getoption("--plugin"))
        pairs = [(spec, EDGE) for spec in specs if "edge" in spec.targets]
        gpu = CUDA.unavailable() is None
        pairs += [(spec, CUDA) for spec in specs if "cuda" in spec.targets and (gpu or "edge" not in spec.targets)]
        names = [f"{spec.workload}-{spec.name}" + ("-cuda" if target is CUDA else "") for spec, target in pairs]
        metafunc.parametrize("spec_and_target", pairs, ids=names, scope="module")


@pytest.fixture(scope="module")
def spec(spec_and_target: tuple[ImplementationSpec, Target]) -> ImplementationSpec:
    return spec_and_target[0]


@pytest.fixture(scope="module")
def target(spec_and_target: tuple[ImplementationSpec, Target]) -> Target:
    return spec_and_target[1]


@pytest.fixture(scope="module")
def device(target: Target, pytestconfig: pytest.Config) -> str:
    """The PyTorch device that holds the tensors of a problem on target cuda."""
    return "cpu" if pytestconfig.getoption("--cuda-on-cpu") and target.unavailable() else "cuda"


@pytest.fixture(scope="module")
def implementation(spec: ImplementationSpec, target: Target, device: str) -> Implementation:
    if missing := (device == "cuda" and target.unavailable()) or spec.missing() or environments.missing(spec):
        pytest.skip(missing)
    if not environments.active(spec):
        pytest.skip(f"runs in an environment of its own: set PYTHONPATH={environments.packages(spec.environment)}")
    return load(spec)


@pytest.fixture(scope="module")
def workload(spec: ImplementationSpec) -> Workload:
    assert spec.workload, f"{spec.path} must state its workload as a plain literal"
    return registry.workload(spec.workload)


def draw_supported_case(workload: Workload, implementation: Implementation, data: st.DataObject) -> Case:
    """Draw a random case that the implementation supports, or a quick one if it supports no random case."""
    if quick := supported_quick_cases(workload, implementation):
        return data.draw(st.sampled_from(quick))
    case = workload.random_case(lambda options: data.draw(st.sampled_from(options)))
    if reason := implementation.unsupported(case):
        assert len(reason.split()) > 1, "a reason is a phrase that a reader understands"
    assume(reason is None)
    return case


@cache
def supported_quick_cases(workload: Workload, implementation: Implementation) -> list[Case]:
    """Return the quick cases that the implementation supports if it supports no random one; otherwise none."""
    quick, random = quick_and_random_cases(workload)
    runs_random = any(implementation.unsupported(case) is None for case in random)
    return [] if runs_random else [case for case in quick if implementation.unsupported(case) is None]


@cache
def quick_and_random_cases(workload: Workload) -> tuple[list[Case], list[Case]]:
    """Return the cases of the quick suite, and 200 random ones."""
    random = Random(0)
    return list(workload.suites()["quick"]), [workload.random_case(random.choice) for _ in range(200)]


Prepare = Callable[[Problem], tuple[Problem, Call]]


@pytest.fixture(scope="module")
def prepare(implementation: Implementation, workload: Workload, target: Target, device: str) -> Prepare:
    """A function that places a problem on its target's device and prepares the implementation for it."""
    if target is CUDA:
        make_float32_exact()

    def prepared(problem: Problem) -> tuple[Problem, Call]:
        if missing := workload.missing(problem.case):
            pytest.skip(missing)
        placed = DeviceProblem.of(problem, device) if target is CUDA else problem
        for artifact in implementation.artifacts(problem.case, target):
            artifacts.build(artifact, lambda: artifacts.BuiltBy(processor="contract test", libraries={}))
        return placed, guard(implementation.prepare(placed, target), placed)

    return prepared


class Examples(NamedTuple):
    """How many random cases a test tries."""

    max_cases: int
    seconds: float
    """After this many seconds no further case is tried, once MIN_CASES_PER_LAYOUT have passed."""


MIN_CASES_PER_LAYOUT = 2
"""Cases with contiguous inputs, and as many with others, that are tried however long they take."""
MAX_CASES = 100
"""Cases that are tried at most."""
RANDOM_CASES_S = 6.0
"""Seconds that one test may spend on random cases: where compiling takes seconds, fewer cases are tried."""


@pytest.fixture(scope="module")
def examples(request: pytest.FixtureRequest) -> Examples:
    """The number of cases that ``--examples`` says, or that are tried within RANDOM_CASES_S."""
    if count := request.config.getoption("--examples"):
        return Examples(int(count), float("inf"))
    return Examples(MAX_CASES, RANDOM_CASES_S)


def for_random_cases(
    workload: Workload, implementation: Implementation, examples: Examples, test: Callable[[Case, bool], None]
) -> None:
    """Call ``test`` with random cases: with contiguous inputs in one half of ``examples``, at least one, then without.

    The other argument of ``test`` says whether inputs are to be contiguous.
    """
    half = examples.max_cases // 2
    for contiguous, most in ((True, max(1, half)), (False, examples.max_cases - half)):
        part = Examples(most, examples.seconds / 2)
        _for_random_cases(workload, implementation, part, lambda case, layout=contiguous: test(case, layout))


def _for_random_cases(
    workload: Workload, implementation: Implementation, examples: Examples, test: Callable[[Case], None]
) -> None:
    """Have hypothesis call ``test`` with random cases, as many as ``examples`` says, and shrink a failing one.

    Once the time is up and MIN_CASES_PER_LAYOUT have passed, hypothesis still draws cases, but they are not tried.
    """
    began, passed, failed = time.perf_counter(), 0, False

    def in_time(data: st.DataObject) -> None:
        nonlocal passed, failed
        case = draw_supported_case(workload, implementation, data)
        if time.perf_counter() - began > examples.seconds and passed >= MIN_CASES_PER_LAYOUT and not failed:
            return
        try:
            test(case)
        except Exception:
            failed = True  # hypothesis shrinks it, however long that takes
            raise
        passed += 1

    checks = list(HealthCheck)  # slow and picky ones are expected here
    settings(max_examples=examples.max_cases, deadline=None, suppress_health_check=checks, print_blob=True)(
        given(data=st.data())(lambda data: in_time(data))
    )()


def test_random_cases_give_correct_outputs(
    workload: Workload, implementation: Implementation, target: Target, prepare: Prepare, examples: Examples
) -> None:
    """Also, the call does not write to its inputs (``guard``), fills its whole output and reads its inputs anew.

    Inputs need not be contiguous, and a second call gives the same output.
    """

    def test(case: Case, contiguous: bool) -> None:
        problem = workload.problem(case, seed=1)
        if not contiguous:
            make_strided(problem)
        problem, call = prepare(problem)
        check = workload.check(problem, call, seed=2)
        inputs = "contiguous" if contiguous else "strided"
        assert check.passed, f"{case.slug}, {inputs} inputs: {check.reason}"
        require_same_outputs(workload, case, call, target)

    for_random_cases(workload, implementation, examples, test)


def make_strided(problem: Problem) -> None:
    """Replace the inputs by equal arrays that are not contiguous."""
    for name, array in problem.inputs.items():
        strided = np.zeros((*array.shape, 2), array.dtype)[..., 0]
        strided[...] = array
        problem.inputs[name] = strided


def require_same_outputs(workload: Workload, case: Case, call: Call, target: Target) -> None:
    """Compare two calls bit by bit, or within the tolerance on a GPU, where libraries sum with atomics."""
    first_outputs = [array.copy() for array in as_arrays(call())]
    for first, second in zip(first_outputs, as_arrays(call()), strict=True):
        if target is CUDA and isinstance(workload, OperatorWorkload):
            assert relative_error(second, first.astype(np.float64)) <= workload.tolerance(case), case.slug
        else:
            np.testing.assert_array_equal(first, second, err_msg=case.slug)


def test_two_prepared_cases_do_not_disturb_each_other(
    workload: Workload, implementation: Implementation, target: Target, prepare: Prepare
) -> None:
    cases = [case for case in quick_and_random_cases(workload)[0] if implementation.unsupported(case) is None][:2]
    prepared = [prepare(workload.problem(case, seed=1)) for case in cases]
    for problem, call in [*prepared, *reversed(prepared)]:
        check = workload.check_output(problem, call, call())
        assert check.passed, f"{problem.case.slug}: {check.reason}"
        require_same_outputs(workload, problem.case, call, target)


def test_at_least_one_quick_case_is_supported(workload: Workload, implementation: Implementation) -> None:
    reasons = {implementation.unsupported(case) for case in workload.suites()["quick"]}
    assert None in reasons, reasons


def test_prepare_leaves_inputs_and_constants_as_they_are(
    workload: Workload, implementation: Implementation, prepare: Prepare
) -> None:
    case = next(case for case in quick_and_random_cases(workload)[0] if implementation.unsupported(case) is None)
    problem = workload.problem(case, seed=1)
    before = checksums(problem.inputs | dict(problem.constants))
    problem, _ = prepare(problem)
    assert checksums(problem.inputs | dict(problem.constants)) == before


def test_summary_is_a_sentence_and_the_note_says_what_is_timed(spec: ImplementationSpec) -> None:
    assert spec.summary.endswith("."), f"{spec.path}: its class needs a docstring whose first line is a sentence"
    assert spec.note, f"{spec.path}: say in `note` what is inside the timed call and what is not"
