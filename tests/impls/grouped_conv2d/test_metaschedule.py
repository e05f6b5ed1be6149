"""MetaSchedule's stored schedules are correct and serial, and cases without one are refused."""

import shlex
import sys

import pytest

pytest.importorskip("tvm", reason="needs apache-tvm: pip install apache-tvm")

from bench.core.implementation import Implementation
from bench.core.target import Target
from impls.grouped_conv2d import _choices, _tune_metaschedule
from impls.grouped_conv2d._choices import Choices, targets
from impls.grouped_conv2d.tvm_gspc_tuned import TvmGspcTuned
from impls.grouped_conv2d.tvm_metaschedule import FILE, TvmMetaschedule
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase

WORKLOAD = GroupedConv2d()
CASES = _tune_metaschedule.tuned_by_default(WORKLOAD)


def test_the_default_cases_are_the_quick_suite_and_grouped_layers() -> None:
    assert set(WORKLOAD.suites()["quick"]) < set(CASES)
    layers = CASES[len(WORKLOAD.suites()["quick"]) :]
    assert all(case.groups > 1 and case.kernel == (3, 3) and case.stride == (1, 1) for case in layers)


def test_every_default_case_has_a_serial_schedule() -> None:
    choices = Choices(FILE)
    for case in CASES:
        for isa in ("avx2", "avx512"):
            instructions, _ = choices.find(case, isa)
            names = {instruction[0] for instruction in instructions}
            assert "Split" in names, (case.slug, isa)
            assert "Parallel" not in names, (case.slug, isa)


@pytest.mark.parametrize("isa", sorted(targets()))
@pytest.mark.parametrize("case", WORKLOAD.suites()["quick"], ids=lambda case: case.slug)
def test_a_stored_schedule_computes_its_case(case: GroupedConv2dCase, isa: str) -> None:
    if TvmMetaschedule().unsupported(case):
        pytest.skip("nothing is stored for this processor's instruction set")
    problem = WORKLOAD.problem(case, seed=1)
    call = TvmMetaschedule().prepare(problem, targets()[isa])
    assert WORKLOAD.check_output(problem, call, call()).passed


@pytest.mark.parametrize("implementation", [TvmMetaschedule, TvmGspcTuned])
def test_a_case_that_was_not_tuned_is_refused_with_the_command_that_tunes_it(
    implementation: type[Implementation],
) -> None:
    case = GroupedConv2dCase(cin=6, cout=6, h=5, w=5, groups=3, padding=(0, 1, 0, 1))
    reason = implementation().unsupported(case)
    assert reason
    command = shlex.split(reason.partition("run python -m impls.grouped_conv2d._tune_")[2])[1:]
    assert _choices.tuning_options("tune", "gspc").parse_args(command).problem == [case]


def test_problems_of_ones_own_are_tuned_in_place_of_a_suite() -> None:
    parser = _choices.tuning_options("tune", "gspc")
    own = parser.parse_args(["--problem", "cin=6,cout=6,h=5,w=5,groups=3", "--problem", "cin=8,cout=8,h=5,w=5"])
    assert [case.cin for case in _choices.cases_to_tune(own, CASES)] == [6, 8]
    assert _choices.cases_to_tune(parser.parse_args(["--suite", "odd"]), CASES) == WORKLOAD.suites()["odd"]
    assert _choices.cases_to_tune(parser.parse_args([]), CASES) == CASES


def test_an_instruction_set_without_schedules_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_choices, "targets", lambda: {"baseline": Target("edge")})
    assert TvmMetaschedule().unsupported(CASES[0])


def test_the_tuner_refuses_another_release_of_apache_tvm_ffi(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """MetaSchedule would crash with it."""
    monkeypatch.setattr(sys, "argv", ["_tune_metaschedule"])
    monkeypatch.setattr(_tune_metaschedule, "version", lambda name: "0.1.15.post2")
    with pytest.raises(SystemExit):
        _tune_metaschedule.main()
    assert "needs apache-tvm-ffi 0.1.14.post1, not 0.1.15.post2" in capsys.readouterr().err
