"""Correct outputs pass, and all others fail with a reason."""

import re
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from bench.core.case import Case
from bench.core.record import Work
from bench.core.trained import Trained
from bench.core.workload import Array, Pick, Problem
from bench.measure.guard import WroteToInputsError, guard
from bench.measure.operator_workload import FOR_EARLIER_INPUTS, OperatorWorkload


class Doubling(OperatorWorkload):
    """y = 2 x."""

    title = "Doubling"
    case_type = Case
    baseline = "none"

    def suites(self) -> Mapping[str, Sequence[Case]]:
        return {"quick": [Case()]}

    def problem(self, case: Case, seed: int) -> Problem:
        return Problem(case, {"x": np.random.default_rng(seed).standard_normal(64, np.float32)}, {})

    def reference(self, problem: Problem) -> Array:
        doubled: Array = 2.0 * problem.inputs["x"].astype(np.float64)
        return doubled

    def tolerance(self, case: Case) -> float:
        return 1e-6

    def work(self, case: Case) -> Work:
        return Work(macs=64, least_bytes=512, parameters=0)

    def random_case(self, pick: Pick[Any]) -> Case:
        return Case()


def check_call(make: Callable[[Array], Callable[[], Any]]) -> tuple[bool, str]:
    workload = Doubling()
    problem = workload.problem(Case(), seed=1)
    check = workload.check(problem, guard(make(problem.inputs["x"]), problem), seed=2)
    assert check.passed == (not check.reason)
    return check.passed, check.reason


def test_the_right_output_passes_with_its_error() -> None:
    workload = Doubling()
    problem = workload.problem(Case(), seed=1)
    check = workload.check(problem, lambda: problem.inputs["x"] * np.float32(2.0), seed=2)
    assert (check.passed, check.error, check.tolerance) == (True, 0.0, 1e-6)


def test_an_output_for_the_prepared_inputs_does_not_pass() -> None:
    assert check_call(lambda x: lambda kept=2 * x: kept.copy()) == (False, FOR_EARLIER_INPUTS)  # type: ignore[misc]


def test_an_output_for_the_inputs_of_the_last_call_does_not_pass() -> None:
    def make(x: Array) -> Callable[[], Array]:
        kept: list[Array] = []

        def call() -> Array:
            kept.append(2 * x)
            return kept[0].copy()

        return call

    assert check_call(make) == (False, FOR_EARLIER_INPUTS)


def test_earlier_inputs_are_tried_only_if_an_output_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    references = []
    reference = Doubling.reference
    monkeypatch.setattr(Doubling, "reference", lambda *args: references.append(args) or reference(*args))
    assert check_call(lambda x: lambda: 2 * x) == (True, "")
    assert len(references) == 2


def test_the_poisoned_output_is_freed_before_the_next_call() -> None:
    """A call that gets the same memory again, and does not fill it, then fails the check."""
    outputs: list[weakref.ref[Array]] = []

    def make(x: Array) -> Callable[[], Array]:
        def call() -> Array:
            assert all(output() is None for output in outputs)
            output = 2 * x
            outputs.append(weakref.ref(output))
            return output

        return call

    assert check_call(make) == (True, "")
    assert len(outputs) == 2


def test_a_buffer_that_is_not_filled_again_does_not_pass() -> None:
    """The first output's memory is poisoned before the second call, which fills only half of it."""

    def make(x: Array) -> Callable[[], Array]:
        kept = np.empty_like(x)
        first = True

        def call() -> Array:
            nonlocal first
            np.multiply(x, 2, out=kept) if first else np.multiply(x[:32], 2, out=kept[:32])
            first = False
            return kept

        return call

    assert check_call(make) == (False, "32 of the output's 64 values are NaN or infinite")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda y: y * 1.001, "error 0.001 is above the tolerance of 1e-06"),
        (lambda y: y[:-1], r"shape is \(63,\), not \(64,\)"),
        (lambda y: y.astype(np.float64), "dtype is float64, not float32"),
        (lambda y: np.where(y > 1, np.nan, y).astype(np.float32), "are NaN or infinite"),
        (lambda y: None, r"shape is \(\)"),
    ],
)
def test_wrong_outputs_say_what_is_wrong(wrong: Callable[[Array], Any], words: str) -> None:
    passed, reason = check_call(lambda x: lambda: wrong(2 * x))
    assert not passed
    assert re.search(words, reason)


def test_writing_to_an_input_raises_an_error() -> None:
    def make(x: Array) -> Callable[[], Array]:
        def call() -> Array:
            x[3] += 1
            return 2 * x

        return call

    with pytest.raises(WroteToInputsError, match="it writes to its inputs: x changed"):
        check_call(make)


def test_a_guarded_trained_model_keeps_its_history_and_is_watched() -> None:
    problem = Doubling().problem(Case(), seed=1)
    x = problem.inputs["x"]
    work, history = Work(macs=1, least_bytes=1, parameters=1), {"loss": [1.0]}

    def write_to_input() -> Array:
        x[0] += 1
        return x

    trained = guard(Trained(lambda: 2 * x, work, history), problem)
    assert isinstance(trained, Trained)
    assert (trained.work, trained.history) == (work, history)
    np.testing.assert_array_equal(trained(), 2 * x)
    with pytest.raises(WroteToInputsError):
        guard(Trained(write_to_input, work, history), problem)()


class Splitting(Doubling):
    """(x + 1, 2 x)."""

    def reference(self, problem: Problem) -> tuple[Array, ...]:  # type: ignore[override]
        x = problem.inputs["x"].astype(np.float64)
        return x + 1, 2 * x


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (lambda x: (x + 1, 2 * x), ""),
        (lambda x: (x + 1,), "the output has 1 arrays, not 2"),
        (lambda x: x + 1, "the output has 1 arrays, not 2"),
        (lambda x: (x + 1, 3 * x), r"array 2 of 2: error 0\.5 is above"),
        (lambda x: (x[:-1], 2 * x), r"array 1 of 2: the output's shape is \(63,\)"),
    ],
)
def test_outputs_of_several_arrays_are_compared_one_by_one(output: Callable[[Array], Any], words: str) -> None:
    workload = Splitting()
    problem = workload.problem(Case(), seed=1)
    check = workload.check(problem, lambda: output(problem.inputs["x"]), seed=2)
    assert check.passed == (not words)
    assert re.search(words, check.reason)


def test_every_array_of_an_output_is_poisoned() -> None:
    workload = Splitting()
    problem = workload.problem(Case(), seed=1)
    kept, calls = np.empty(64, np.float32), 0

    def call() -> tuple[Array, ...]:
        nonlocal calls
        calls += 1
        if calls == 1:
            kept[:] = 2 * problem.inputs["x"]
        return problem.inputs["x"] + 1, kept

    check = workload.check(problem, call, seed=2)
    assert check.reason == "array 2 of 2: 64 of the output's 64 values are NaN or infinite"


def test_the_reference_output_passes_with_the_right_dtype() -> None:
    workload = Splitting()
    problem = workload.problem(Case(), seed=1)
    assert workload.check(problem, lambda: workload.reference_output(problem), seed=2).passed
