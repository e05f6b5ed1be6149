"""What to measure is determined and validated before any worker starts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.core import registry
from bench.core.errors import UsageError
from bench.core.record import Record, Status, Work
from bench.core.target import Target
from bench.run.plan import Session, filter_cases, parse_problems, plan, to_measure
from bench.store import PROBLEMS, Request

EDGE = Target("edge")
THREE = ("im2col", "onnxruntime", "pytorch")


def request(*cases: str, implementations: tuple[str, ...] = THREE, **others: object) -> Request:
    values = {"workloads": ("grouped_conv2d",), "suite": "odd", "target": "edge", **others}
    return Request.model_validate(values | {"implementations": implementations, "case_filters": cases})


def outcome(session: Session, implementation: str, status: Status) -> Record:
    """Return a stored outcome of an earlier, interrupted session."""
    return Record.model_construct(
        workload="grouped_conv2d",
        implementation=implementation,
        case=session.case.slug,
        target="edge",
        status=status,
        reason="",
        session="earlier",
        started=datetime.now(UTC),
        work=Work(macs=1, least_bytes=1, parameters=1),
    )


def names(session: Session) -> set[str]:
    return {spec.name for spec in session.specs}


def test_a_request_for_an_unknown_target_is_refused_with_the_choices() -> None:
    with pytest.raises(UsageError, match=r"no target 'fpga'; choose from cpu, edge, cuda"):
        request(target="fpga")


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
    by_suite, by_parameter = filter_cases(workloads, "gspc", []), filter_cases(workloads, "quick", ["cin=60"])
    assert [name for name, cases in by_suite.items() if cases] == ["grouped_conv2d", "network_inference"]
    assert [name for name, cases in by_parameter.items() if cases] == ["grouped_conv2d"]


def test_an_implementation_without_a_chosen_case_is_a_usage_error() -> None:
    chosen = Request(
        workloads=tuple(registry.workloads()), suite="dsxplore", target="edge", implementations=("im2col",)
    )
    with pytest.raises(UsageError, match="im2col: no implementation of network_inference, sliding_channel_conv2d"):
        plan(chosen)


@pytest.mark.parametrize(
    ("invalid", "message"),
    [
        (request(suite="slow"), r"no suite 'slow'; choose from first, quick, .*odd"),
        (request("grops=8"), r"no parameter 'grops' to filter by; choose from n, cin, .*groups"),
        (
            request("groups=3"),
            r"no case of suite odd has groups=3, and --case only filters; choose from .*--problem",
        ),
        (request("kernel="), r"no case of suite odd has kernel=, and --case only filters; choose from 1, 3, 5, 1x7"),
        (request("kernel"), r"--case 'kernel' has no value; write NAME=VALUE, such as kernel=3"),
        (request("kernel=1", "dtype=float64"), r"matches kernel=1 and dtype=float64 together; drop one"),
        (request(workloads=("conv9d",)), r"no workload 'conv9d'; choose from .*grouped_conv2d"),
        (request(workloads=("grouped_conv2d", "pytorch")), r"; pytorch is an implementation: write --impl a,b"),
        (request(implementations=("im3col",)), r"no implementation 'im3col' of grouped_conv2d; choose from .*im2col"),
        (request(plugins=("nowhere.py",)), r"no plug-in file or folder .*nowhere\.py"),
    ],
)
def test_unknown_names_are_refused_with_the_choices(invalid: Request, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(invalid)


def test_choices_of_a_filter_go_together_with_the_other_filters() -> None:
    with pytest.raises(UsageError, match=r"has kernel=9, and --case only filters; choose from 3, or measure"):
        plan(request("stride=2", "kernel=9"))


PROBLEM = "cin=96,cout=96,h=28,w=28,groups=12"


@pytest.mark.parametrize("workload", sorted(registry.workloads()))
def test_the_slug_of_every_case_describes_that_case(workload: str) -> None:
    known = registry.workload(workload)
    cases = {case for cases in known.suites().values() for case in cases}
    assert {known.case_type.from_text(case.slug) for case in cases} == cases


def test_a_problem_of_a_suite_has_the_same_key() -> None:
    (problems,) = [parse_problems("grouped_conv2d", ["w=56,h=56,groups=8,cout=64,cin=64,stride=1x1,kernel=3"])]
    (own,) = plan(request(suite=PROBLEMS, case_slugs=problems))
    of_suite = {key for session in plan(request(suite="gspc")) for key in session.keys(EDGE)}
    assert set(own.keys(EDGE)) <= of_suite


def test_problems_come_from_a_file_and_each_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "layers.txt"
    path.write_text(f"# the layers of mine\n{PROBLEM}  # the first\n\n  {PROBLEM}, bias=true,\n")
    assert parse_problems("grouped_conv2d", [PROBLEM, f"@{path}"]) == (PROBLEM, f"{PROBLEM},bias=true")


def test_a_file_of_problems_says_where_one_is_wrong_or_that_it_has_none(tmp_path: Path) -> None:
    path = tmp_path / "layers.txt"
    path.write_text(f"{PROBLEM}\ncin=96\n")
    with pytest.raises(UsageError, match=r"layers\.txt:2: not a valid case: cout, h and w are missing"):
        parse_problems("grouped_conv2d", [f"@{path}"])
    path.write_text("# nothing yet\n")
    with pytest.raises(UsageError, match=r"layers\.txt has no problem; write one a line"):
        parse_problems("grouped_conv2d", [f"@{path}"])


@pytest.mark.parametrize(
    "other", [{"suite": "odd"}, {"case_filters": ("groups=8",)}, {"workloads": ("grouped_conv2d", "a")}]
)
def test_problems_go_with_no_suite_no_filter_and_one_workload(other: dict[str, object]) -> None:
    values = {"workloads": ("grouped_conv2d",), "suite": PROBLEMS, "target": "edge", "case_slugs": (PROBLEM,)}
    assert Request.model_validate(values).case_slugs == (PROBLEM,)
    with pytest.raises(ValidationError, match=r"give one of them|case_slugs are of one workload, and neither they"):
        Request.model_validate(values | other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cin=96,cout=96,h=28,w=28,groups=7", "groups=7 must divide cin=96 and cout=96"),
        ("cin=96,cout=96,h=28", "w is missing"),
        ("cin=96,cout=96,h=28,w=wide", "w: Input should be a valid integer"),
        ("cin=96,cout=96,h=28,w=28,padding=1x1", "padding takes 1 or 4 values"),
        ("cin=96,cout=96,h=28,w=28,group=12", "no parameter 'group'; choose from n, cin, cout"),
        ("cin=96,cout", "cout has no value; write cout=VALUE"),
        ("cin=96,cin=97", "cin is given twice"),
        ("cin=96,cout=96,h=28,w=10000000000000", "w: Input should be less than or equal to 1048576"),
        ("@/nowhere/layers.txt", "cannot read the problems in /nowhere/layers.txt"),
    ],
)
def test_an_invalid_problem_is_refused_with_its_parameter(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_problems("grouped_conv2d", [text])


def test_each_case_is_one_session_with_all_requested_implementations() -> None:
    sessions = plan(request("kernel=1", "kernel=5"))
    assert [names(session) for session in sessions] == [set(THREE)] * 2
    assert len({key for session in sessions for key in session.keys(EDGE)}) == 6


def test_an_implementation_that_cannot_run_on_the_target_is_unavailable_not_dropped(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("class Mine:\n    workload = 'grouped_conv2d'\n    targets = ('cuda',)\n")
    (session,) = plan(request("kernel=1", implementations=("im2col", "mine"), plugins=(str(plugin),)))
    assert names(session) == {"im2col"}
    assert {spec.name: reason for spec, reason in session.unavailable.items()} == {
        "mine": "runs on cuda, not on edge: choose another with --target"
    }
    assert [key.implementation for key in session.keys(EDGE)] == ["im2col", "mine"]


def test_nothing_recorded_leaves_everything_to_measure() -> None:
    sessions = plan(request("kernel=1", "kernel=5"))
    assert to_measure(sessions, [], EDGE) == sessions


def test_a_complete_case_is_not_measured_again() -> None:
    first, second = plan(request("kernel=1", "kernel=5"))
    recorded = [outcome(first, name, Status.PASSED) for name in THREE]
    assert to_measure([first, second], recorded, EDGE) == [second]


def test_an_interrupted_case_is_measured_anew_with_all_that_passed() -> None:
    """Rounds are paired only within one session."""
    (session,) = plan(request("kernel=1"))
    (remaining,) = to_measure([session], [outcome(session, "im2col", Status.PASSED)], EDGE)
    assert names(remaining) == set(THREE)


def test_an_implementation_that_did_not_pass_before_the_interruption_is_not_tried_again() -> None:
    (session,) = plan(request("kernel=1"))
    recorded = [outcome(session, "im2col", Status.PASSED), outcome(session, "onnxruntime", Status.TIMEOUT)]
    (remaining,) = to_measure([session], recorded, EDGE)
    assert names(remaining) == {"im2col", "pytorch"}


def test_records_of_another_target_do_not_count() -> None:
    (session,) = plan(request("kernel=1"))
    recorded = [outcome(session, name, Status.PASSED) for name in THREE]
    assert to_measure([session], recorded, Target("cpu")) == [session]


def test_a_case_without_its_data_is_unsupported_and_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    workload = registry.workload("grouped_conv2d")
    without_data = workload.suites()["odd"][0]
    monkeypatch.setattr(type(workload), "missing", lambda self, case: "get it" if case == without_data else None)
    first, *others = plan(request())
    assert first.case == without_data
    assert not first.specs
    assert set(first.unavailable.values()) == {"get it"}
    assert all(names(session) == set(THREE) for session in others)


def test_without_any_data_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(registry.workload("grouped_conv2d")), "missing", lambda self, case: "get it")
    with pytest.raises(UsageError, match=r"^get it$"):
        plan(request())
