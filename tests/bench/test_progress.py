"""What is shown while a run goes on: at first, in a pipe, on a terminal, and once a case is measured."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from bench.core.budget import Budget
from bench.core.record import Check, Latency, Memory, Record, Status
from bench.progress import Lines, Terminal, announcement, case_lines, display
from bench.run.estimate import EXAMINE_S, expected_s
from bench.run.plan import Session, plan
from bench.store import Request


def record(implementation: str, time: float | None = None, status: Status = Status.PASSED, reason: str = "") -> Record:
    """A record of ten rounds in two processes, or one without latency where ``time`` is None."""
    latency = time and Latency(
        rounds=[[time]] * 10,
        numbers=list(range(10)),
        processes=[0] * 5 + [1] * 5,
        calls_per_sample=1,
        estimate=time,
        low=0.99 * time,
        high=1.01 * time,
        stopped="precise",
    )
    return Record(
        workload="conv",
        implementation=implementation,
        case="groups=4",
        target="edge",
        parameters={},
        status=status,
        reason=reason,
        session="one",
        started=datetime(2026, 11, 23, tzinfo=UTC),
        check=Check(passed=True) if time else None,
        latency=latency or None,
        memory=Memory(peak_bytes=1, prepared_bytes=1) if time else None,
    )


def lines(*records: Record, baseline: str = "pytorch") -> list[str]:
    return [line.replace("\u00a0", " ") for line in case_lines(records, baseline)]


def test_the_fastest_comes_first_with_its_ratio_to_the_baseline() -> None:
    assert lines(record("pytorch", 2e6), record("slow", 4e6), record("fast", 1e6)) == [
        "conv groups=4, ratios to pytorch",
        "  fast     1.000 ms [0.9900, 1.010]   0.500 [0.500, 0.500]",
        "  pytorch  2.000 ms [1.980, 2.020]",
        "  slow     4.000 ms [3.960, 4.040]    2.000 [2.000, 2.000]",
    ]


def test_without_the_baseline_only_times_are_printed() -> None:
    crashed = record("pytorch", status=Status.CRASHED, reason="it died of SIGSEGV during 'round'")
    assert lines(record("fast", 1e6), crashed) == [
        "conv groups=4",
        "  fast     1.000 ms [0.9900, 1.010]",
        "  pytorch  crashed: it died of SIGSEGV during 'round'",
    ]


def test_unsupported_records_are_not_printed() -> None:
    assert lines(record("fast", status=Status.UNSUPPORTED, reason="only odd kernels")) == []


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    """Two cases with two implementations."""
    cases, implementations = ("kernel=1", "kernel=1x7"), ("im2col", "onnxruntime")
    return plan(
        Request(
            workloads=("grouped_conv2d",),
            suite="odd",
            target="edge",
            implementations=implementations,
            case_filters=cases,
        )
    )


def test_at_first_it_says_what_is_measured_and_roughly_how_long(sessions: list[Session]) -> None:
    budget = Budget(timed_s=12)
    assert expected_s(sessions, budget) == 2 * 2 * 12 + 4 * EXAMINE_S
    assert announcement(sessions, budget) == ("measuring 2 cases of 1 workload with 2 implementations, roughly 54 s")
    nothing = [replace(session, specs=()) for session in sessions]
    assert expected_s(nothing, budget) == 0
    assert announcement([], budget) == "everything is recorded already"


def test_training_is_said_to_come_on_top() -> None:
    (session, *_) = plan(Request(workloads=("node_classification",), suite="first", target="edge"))
    assert announcement([session], Budget()).endswith(" and the time to train models")


def test_in_a_pipe_each_case_begins_and_ends_with_a_line(
    sessions: list[Session], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Lines()
    shown.step("measuring the peaks of this machine, once")
    shown.expect(sessions, Budget())
    for session in sessions:
        shown.begin(session)
        for step in ("importing libraries", "preparing and checking im2col", "round 1", "round 2"):
            shown.step(step)
        shown.end([record("im2col", 1e6), record("onnxruntime", status=Status.OUT_OF_MEMORY, reason="no")])
    out, err = capsys.readouterr()
    first, second = (session.case.slug for session in sessions)
    assert out == ""
    assert [re.sub(r"\d+ s\b", "N s", line) for line in err.splitlines()] == [
        "measuring the peaks of this machine, once",
        "measuring 2 cases of 1 workload with 2 implementations, roughly N s",
        f"case 1 of 2: grouped_conv2d {first}: preparing im2col, onnxruntime",
        f"case 1 of 2: grouped_conv2d {first}: 1 passed, 1 out of memory, in N s; about N s left",
        f"case 2 of 2: grouped_conv2d {second}: preparing im2col, onnxruntime",
        f"case 2 of 2: grouped_conv2d {second}: 1 passed, 1 out of memory, in N s",
    ]


def test_of_many_implementations_the_first_are_named(
    sessions: list[Session], capsys: pytest.CaptureFixture[str]
) -> None:
    specs = tuple(replace(sessions[0].specs[0], name=f"number_{index}") for index in range(9))
    shown = Lines()
    shown.begin(replace(sessions[0], specs=specs))
    assert capsys.readouterr().err.endswith(": preparing number_0, number_1, number_2 and 6 more\n")


def test_on_a_terminal_what_is_measured_stays_above_the_bar(sessions: list[Session]) -> None:
    file = StringIO()
    with Terminal(Console(file=file, force_terminal=True, width=150)) as shown:
        shown.step("measuring the peaks of this machine, once")
        shown.expect(sessions, Budget())
        shown.begin(sessions[0])
        shown.end([record("im2col", 1e6)])
    assert "measuring 2 cases of 1 workload with 2 implementations, roughly 38 s" in file.getvalue()
    assert "conv groups=4" in file.getvalue()


def test_a_narrow_terminal_cuts_what_is_being_done_not_how_far_it_is(sessions: list[Session]) -> None:
    file = StringIO()
    with Terminal(Console(file=file, force_terminal=True, width=60, color_system=None)) as shown:
        shown.expect(sessions, Budget())
        shown.begin(sessions[0])
        shown.step("preparing and checking im2col")
    last = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue()).rstrip())[-1]
    assert " 0/2 0:00:0" in last
    assert " left " in last
    assert len(last) <= 60


def test_there_is_no_bar_in_a_pipe_even_where_colours_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with display() as shown:
        assert isinstance(shown, Lines)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert isinstance(display(), Terminal)
    monkeypatch.setenv("TERM", "dumb")
    assert not isinstance(display(), Terminal)
