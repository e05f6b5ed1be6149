"""What will be measured is settled, and questioned, before any worker starts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.core import registry
from bench.core.errors import BadUse
from bench.core.record import Record, Status, Work
from bench.core.target import Target
from bench.run.plan import Sitting, filter_cases, plan, to_measure
from bench.store import Request

EDGE = Target("edge")
THREE = ("im2col", "onnxruntime", "pytorch")


def request(*cases: str, implementations: tuple[str, ...] = THREE, **others: object) -> Request:
    asked = {"workloads": ("grouped_conv2d",), "suite": "odd", "target": "edge", **others}
    return Request.model_validate(asked | {"implementations": implementations, "cases": cases})


def outcome(sitting: Sitting, implementation: str, status: Status) -> Record:
    """A stored outcome of an earlier, interrupted sitting."""
    return Record.model_construct(
        workload="grouped_conv2d",
        implementation=implementation,
        case=sitting.case.slug,
        target="edge",
        status=status,
        reason="",
        sitting="earlier",
        started=datetime.now(UTC),
        work=Work(macs=1, least_bytes=1, parameters=1),
    )


def names(sitting: Sitting) -> set[str]:
    return {entry.name for entry in sitting.entries}


def test_filters_of_different_parameters_narrow_and_of_one_parameter_widen() -> None:
    workloads = {"grouped_conv2d": registry.workload("grouped_conv2d")}
    narrowed = filter_cases(workloads, "odd", ["kernel=1x7", "groups=8"])["grouped_conv2d"]
    widened = filter_cases(workloads, "odd", ["kernel=1x7", "kernel=5"])["grouped_conv2d"]
    assert [case.texts()["kernel"] for case in narrowed] == ["1x7"]
    assert {case.texts()["kernel"] for case in widened} == {"1x7", "5"}


def test_without_filters_a_suite_is_whole() -> None:
    workloads = registry.workloads()
    assert filter_cases(workloads, "quick", []) == {
        name: list(workload.suites()["quick"]) for name, workload in workloads.items()
    }


def test_a_workload_without_the_suite_or_the_parameter_has_no_such_cases() -> None:
    workloads = registry.workloads()
    by_suite, by_parameter = filter_cases(workloads, "gspc", []), filter_cases(workloads, "quick", ["cg=4"])
    assert [name for name, cases in by_suite.items() if cases] == ["grouped_conv2d"]
    assert [name for name, cases in by_parameter.items() if cases] == ["sliding_channel_conv2d"]


def test_an_implementation_of_no_chosen_case_is_wrong_use() -> None:
    asked = Request(workloads=tuple(registry.workloads()), suite="dsxplore", target="edge", implementations=("im2col",))
    with pytest.raises(BadUse, match="im2col: no implementation of sliding_channel_conv2d"):
        plan(asked)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (request(suite="slow"), r"no suite 'slow'; choose from quick, .*odd"),
        (request("grops=8"), r"no parameter 'grops' to filter by; choose from n, cin, .*groups"),
        (request("groups=3"), r"no case of suite odd has groups=3; choose from 8"),
        (request("kernel="), r"no case of suite odd has kernel=; choose from 3, 1, 5, 1x7"),
        (request("kernel"), r"--case 'kernel' has no value; write NAME=VALUE, such as kernel=3"),
        (request("kernel=1", "dtype=float64"), r"matches kernel=1 and dtype=float64 together; drop one"),
        (request(workloads=("conv9d",)), r"no workload 'conv9d'; choose from .*grouped_conv2d"),
        (request(implementations=("im3col",)), r"no implementation 'im3col' of grouped_conv2d; choose from .*im2col"),
        (request(target="fpga"), r"no target 'fpga'; choose from cpu, edge, cuda"),
        (request(plugins=("nowhere.py",)), "no plug-in file nowhere.py"),
    ],
)
def test_what_is_not_there_is_refused_with_the_choices(asked: Request, told: str) -> None:
    with pytest.raises(BadUse, match=told):
        plan(asked)


def test_each_case_is_a_sitting_of_all_that_were_asked_for() -> None:
    sittings = plan(request("kernel=1", "kernel=5"))
    assert [names(sitting) for sitting in sittings] == [set(THREE)] * 2
    assert len({key for sitting in sittings for key in sitting.keys(EDGE)}) == 6


def test_an_implementation_that_cannot_run_here_is_told_not_dropped(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("class Mine:\n    workload = 'grouped_conv2d'\n    targets = ('cuda',)\n")
    (sitting,) = plan(request("kernel=1", implementations=("im2col", "mine"), plugins=(str(plugin),)))
    assert names(sitting) == {"im2col"}
    assert {entry.name: reason for entry, reason in sitting.unable.items()} == {
        "mine": "runs on cuda, not on edge: choose another with --target"
    }
    assert [key.implementation for key in sitting.keys(EDGE)] == ["im2col", "mine"]


def test_nothing_recorded_leaves_everything_to_measure() -> None:
    sittings = plan(request("kernel=1", "kernel=5"))
    assert to_measure(sittings, [], EDGE) == sittings


def test_a_complete_case_is_not_measured_again() -> None:
    first, second = plan(request("kernel=1", "kernel=5"))
    recorded = [outcome(first, name, Status.PASSED) for name in THREE]
    assert to_measure([first, second], recorded, EDGE) == [second]


def test_a_case_that_was_cut_off_is_measured_anew_with_all_that_passed() -> None:
    """Rounds pair up only within one sitting."""
    (sitting,) = plan(request("kernel=1"))
    (still_open,) = to_measure([sitting], [outcome(sitting, "im2col", Status.PASSED)], EDGE)
    assert names(still_open) == set(THREE)


def test_what_did_not_pass_before_the_cut_is_not_tried_again() -> None:
    (sitting,) = plan(request("kernel=1"))
    recorded = [outcome(sitting, "im2col", Status.PASSED), outcome(sitting, "onnxruntime", Status.TIMEOUT)]
    (still_open,) = to_measure([sitting], recorded, EDGE)
    assert names(still_open) == {"im2col", "pytorch"}


def test_another_target_counts_for_nothing() -> None:
    (sitting,) = plan(request("kernel=1"))
    recorded = [outcome(sitting, name, Status.PASSED) for name in THREE]
    assert to_measure([sitting], recorded, Target("cpu")) == [sitting]


def test_a_case_without_its_data_is_unsupported_and_says_what_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    workload = registry.workload("grouped_conv2d")
    lacking = workload.suites()["odd"][0]
    monkeypatch.setattr(type(workload), "missing", lambda self, case: "get it" if case == lacking else None)
    first, *others = plan(request())
    assert first.case == lacking
    assert not first.entries
    assert set(first.unable.values()) == {"get it"}
    assert all(names(sitting) == set(THREE) for sitting in others)


def test_without_any_data_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(registry.workload("grouped_conv2d")), "missing", lambda self, case: "get it")
    with pytest.raises(BadUse, match=r"^get it$"):
        plan(request())
