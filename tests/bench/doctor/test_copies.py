"""Copies of implementations compute the same output, and are slower by the slowdown planted into them."""

from pathlib import Path
from typing import Any

import pytest

from bench import artifacts
from bench.core import registry
from bench.core.describe import describe
from bench.core.implementation_spec import ImplementationSpec
from bench.core.loading import load
from bench.core.target import Target
from bench.core.workload import Call, Workload
from bench.doctor import copies
from bench.doctor.copies import Slowdown, slowed, write_copy
from bench.doctor.trial import (
    PLANTED,
    Trial,
    subjects,
)
from bench.doctor.workload import Chain, ChainCase
from bench.measure.correctness import agree
from bench.measure.operator_workload import OperatorWorkload
from bench.measure.outputs import as_arrays

EDGE = Target("edge")
IMPLEMENTATIONS = registry.implementations()
"""The implementations of ``impls`` and of entry points."""
ONE_PER_WORKLOAD = {
    str(spec.workload): spec
    for spec in reversed(IMPLEMENTATIONS)
    if "edge" in spec.targets and not spec.environment and not spec.missing()
}
"""The first implementation of each workload that can run here."""


class TestCopies:
    """Every implementation can be copied, and its copy is the same code."""

    @pytest.mark.parametrize("spec", IMPLEMENTATIONS, ids=lambda spec: spec.label)
    def test_a_copy_has_the_description_of_the_original(self, spec: ImplementationSpec, tmp_path: Path) -> None:
        (copy,) = describe(write_copy(spec, tmp_path))
        assert copy.name == f"{spec.name}_copy"
        assert (copy.workload, copy.requires, copy.targets, copy.summary) == (
            spec.workload,
            spec.requires,
            spec.targets,
            spec.summary,
        )
        assert copy.note == f"A copy of {spec.name}."

    @pytest.mark.parametrize("spec", ONE_PER_WORKLOAD.values(), ids=lambda spec: spec.label)
    def test_a_copy_computes_the_same(self, spec: ImplementationSpec, tmp_path: Path) -> None:
        (copy_spec,) = describe(write_copy(spec, tmp_path))
        original, copy = load(spec), load(copy_spec)
        assert type(copy).__bases__ == (type(original),)
        workload = registry.workload(str(spec.workload))
        cases = [case for case in workload.suites()["quick"] if original.unsupported(case) is None]
        assert all((original.unsupported(case) is None) == (copy.unsupported(case) is None) for case in cases)
        expected, copied = (_outcome(workload, each, cases[-1]) for each in (original, copy))
        if isinstance(workload, OperatorWorkload):
            assert agree(copied, expected, workload.process_tolerance(cases[-1]))
        else:
            assert copied == expected

    def test_a_slowdown_is_written_into_the_copy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (chain,) = {subject.spec for subject in subjects(["chain"])}
        (spec,) = describe(write_copy(chain, tmp_path, Slowdown(0.03, every=33)))
        slowdowns: list[Slowdown | None] = []
        monkeypatch.setattr(copies, "slowed", lambda call, slowdown: slowdowns.append(slowdown) or call)
        copy = load(spec)
        problem = Chain().problem(ChainCase(size=8), seed=0)
        assert Chain().check(problem, copy.prepare(problem, EDGE), seed=1).passed
        assert slowdowns == [Slowdown(0.03, 33)]


def _outcome(workload: Workload, implementation: Any, case: Any) -> Any:
    """Return the output for one input, or the curves and metrics of the training apart from its times."""
    problem = workload.problem(case, seed=1)
    for artifact in implementation.artifacts(case, EDGE):
        artifacts.build(artifact, lambda: artifacts.BuiltBy(processor="test", libraries={}))
    call = implementation.prepare(problem, EDGE)
    if isinstance(workload, OperatorWorkload):
        return [array.copy() for array in as_arrays(call())]
    check = workload.evaluate(problem, call) if workload.evaluates else workload.check(problem, call, seed=1)
    assert check.metrics
    return check.curves, {name: value for name, value in check.metrics.items() if not name.endswith("_s")}


class Clock:
    """A stand-in for ``time``: each reading advances it by 1 ns, each call by CALL_NS."""

    CALL_NS = 100_000

    def __init__(self) -> None:
        self.now = 0

    def perf_counter_ns(self) -> int:
        self.now += 1
        return self.now

    def perf_counter(self) -> float:
        return self.perf_counter_ns() / 1e9

    def call(self) -> str:
        self.now += self.CALL_NS
        return "output"


class TestSlowdown:
    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        clock = Clock()
        monkeypatch.setattr(copies, "time", clock)
        return clock

    def times(self, clock: Clock, call: Call, count: int) -> list[int]:
        times = []
        for _ in range(count):
            before = clock.now
            assert call() == "output"
            times.append(clock.now - before)
        return times

    def test_without_a_slowdown_the_call_is_returned_unchanged(self) -> None:
        call = Clock().call
        assert slowed(call, None) is call

    @pytest.mark.parametrize("share", [0.03, 0.5])
    def test_every_call_is_slower_by_the_fraction(self, clock: Clock, share: float) -> None:
        times = self.times(clock, slowed(clock.call, Slowdown(share)), 100)
        assert times == pytest.approx([(1 + share) * clock.CALL_NS] * 100, rel=1e-4)

    def test_rare_slow_calls_are_slower_by_the_fraction_on_average(self, clock: Clock) -> None:
        times = self.times(clock, slowed(clock.call, Slowdown(0.03, every=33)), 330)
        slow = [index for index, time in enumerate(times, 1) if time > 1.5 * clock.CALL_NS]
        assert slow == list(range(33, 331, 33))
        assert sum(times) / 330 == pytest.approx(1.03 * clock.CALL_NS, rel=1e-4)

    def test_slow_first_calls_do_not_enlarge_the_slowdown(self, clock: Clock) -> None:
        """The first 20 calls take ten times as long."""
        count = 0

        def warming_up() -> str:
            nonlocal count
            count += 1
            clock.now += 9 * clock.CALL_NS if count <= 20 else 0
            return clock.call()

        assert self.times(clock, slowed(warming_up, Slowdown(0.03)), 1) == pytest.approx([103_000], rel=1e-4)

    def test_each_trial_plants_its_slowdown(self) -> None:
        assert {trial: trial.slowdown for trial in Trial} == {
            Trial.SAME: None,
            Trial.BUSY: None,
            Trial.SLOWER: Slowdown(PLANTED, every=1),
            Trial.RARE: Slowdown(PLANTED, every=33),
        }
        assert PLANTED == 0.03
