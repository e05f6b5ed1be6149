"""Runs on disk survive kills, full disks and foreign files; what a newer release wrote is left alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bench import machine, store
from bench.core.errors import BadUse, CannotGoOn
from bench.core.record import SCHEMA, Check, Latency, Memory, Record, Status, Work
from bench.limits import host
from bench.limits.model import Limits
from bench.run.launch import Silent, launch
from bench.store import Request, Run, RunInfo, Spending

NOW = datetime(2026, 11, 23, 20, 45, 10, tzinfo=UTC)
REQUEST = Request(workloads=("grouped_conv2d",), suite="odd", target="edge")
LATENCY = Latency(turns=[[3.0, 4.0]], inner=1, median=3.5, low=3.0, high=4.0, preempted=0, stopped="budget")
ROOT = Path(__file__).parents[2]

Create = Callable[..., Run]


def record(implementation: str = "im2col", **changes: Any) -> Record:
    """A record that passed, apart from the changes."""
    passed: dict[str, Any] = {
        "workload": "grouped_conv2d",
        "implementation": implementation,
        "case": "cin=4,cout=4,h=5,w=5",
        "target": "edge",
        "parameters": {"cin": 4, "padding": [1, 1, 1, 1], "dtype": "float32", "note": "Überlänge"},
        "status": Status.PASSED,
        "sitting": "0123456789ab",
        "started": NOW,
        "work": Work(macs=900, least_bytes=1376, parameters=144),
        "check": Check(passed=True, error=1e-7, tolerance=1e-4),
        "latency": LATENCY,
        "memory": Memory(peak_bytes=4096, prepared_bytes=0),
    }
    return Record.model_validate(passed | changes)


def failed(implementation: str = "im2col") -> Record:
    return record(implementation, status=Status.FAILED, reason="weigh: no", check=None, latency=None, memory=None)


@pytest.fixture(scope="module")
def environment() -> machine.Environment:
    return machine.environment({"numpy"})


@pytest.fixture
def create(environment: machine.Environment, tmp_path: Path) -> Create:
    def make(name: str = "run", folder: Path = tmp_path, started: datetime = NOW) -> Run:
        info = RunInfo(
            name=name,
            command="featherbench run",
            started=started,
            request=REQUEST,
            spending=Spending(budget_s=8, timeout_s=120, memory_bytes=4 << 30),
            sources={},
            threads=1,
            environment=environment,
            limits=None,
            noise_floor=None,
        )
        return Run.create(folder / name, info)

    return make


def records_file(run: Run) -> Path:
    return run.folder / "records.jsonl"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True)


class TestSchema:
    @pytest.mark.parametrize("lacking", ["check", "latency", "memory"])
    def test_a_record_that_passed_has_been_checked_timed_and_weighed(self, lacking: str) -> None:
        changes: dict[str, Any] = {lacking: None}
        with pytest.raises(ValidationError, match="a passed record needs a passed check, a latency and a memory"):
            record(**changes)

    def test_a_failed_check_does_not_pass(self) -> None:
        with pytest.raises(ValidationError, match="a passed record needs a passed check"):
            record(check=Check(passed=False, reason="error 1 is above the tolerance"))

    @pytest.mark.parametrize("status", [status for status in Status if status is not Status.PASSED])
    def test_no_speed_is_stored_for_what_did_not_pass(self, status: Status) -> None:
        with pytest.raises(ValidationError, match="neither latency nor memory"):
            record(status=status, reason="whatever", memory=None)

    def test_what_did_not_pass_has_a_reason(self) -> None:
        with pytest.raises(ValidationError, match="a record that did not pass has a reason"):
            record(status=Status.CRASHED, latency=None, memory=None)

    def test_a_record_is_the_same_after_storing(self) -> None:
        """Also a metric that is no number any more, of a training that diverged."""
        diverged = Check(passed=False, reason="it diverged", metrics={"loss": float("inf"), "top-1": 0.1})
        for stored in (record(), failed(), failed().model_copy(update={"check": diverged})):
            assert Record.model_validate(json.loads(stored.model_dump_json())) == stored


class TestReading:
    def test_what_is_appended_is_there_when_opened_again(self, create: Create) -> None:
        run = create()
        run.append([record("a"), failed("b")])
        run.append([record("c")])
        again = Run.open(run.folder)
        assert again.records == run.records == [record("a"), failed("b"), record("c")]
        assert again.info == run.info

    def test_the_latest_record_of_a_key_counts_and_none_is_removed(self, create: Create) -> None:
        run = create()
        run.append([record("a"), failed("b")])
        run.append([record("b")])
        assert Run.open(run.folder).records == run.records == [record("a"), record("b")]
        assert len(records_file(run).read_bytes().splitlines()) == 3

    def test_a_last_line_cut_off_anywhere_costs_only_itself(
        self, create: Create, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Every place where a kill or a power cut can end the last line, also amid a letter of two bytes."""
        run = create()
        run.append([record("a"), record("b"), record("torn")])
        whole = records_file(run).read_bytes()
        start = whole.index(b"\n", whole.index(b"\n") + 1) + 1
        before = [record("a"), record("b")]
        for cut in range(start, len(whole)):
            records_file(run).write_bytes(whole[:cut])
            caplog.clear()
            reopened = Run.open(run.folder)
            torn = start < cut < len(whole) - 1  # Only the line's end is missing: the record is whole.
            assert reopened.records == (before if cut < len(whole) - 1 else [*before, record("torn")])
            assert [entry.getMessage() for entry in caplog.records] == (
                [f"{records_file(run)} line 3 is cut off, as by a kill or a power cut; skipped"] if torn else []
            )
            kept = reopened.records
            reopened.append([record("next")])
            assert Run.open(run.folder).records == [*kept, record("next")]
            assert records_file(run).read_bytes().startswith(whole[:cut])

    @pytest.mark.parametrize("foreign", ["42", "null", "[]", '"text"', '{"name": "theirs"}', '{"schema_version": "2"}'])
    def test_a_foreign_line_is_told_and_skipped(
        self, foreign: str, create: Create, caplog: pytest.LogCaptureFixture
    ) -> None:
        run = create()
        run.append([record("a")])
        with records_file(run).open("a") as file:
            file.write(foreign + "\n")
        run.append([record("b")])
        assert Run.open(run.folder).records == [record("a"), record("b")]
        assert caplog.messages == [f"{records_file(run)} line 2 is not a record of featherbench; skipped"]
        assert foreign in records_file(run).read_text().splitlines()

    @pytest.mark.parametrize("foreign", ["", "{", "[]", "42", '{"name": "theirs"}', "\0\xff"])
    def test_a_foreign_description_is_refused(self, foreign: str, tmp_path: Path) -> None:
        (tmp_path / "run.json").write_bytes(foreign.encode("latin-1"))
        with pytest.raises(BadUse, match=r"run\.json is not the description of a run"):
            Run.open(tmp_path)

    def test_a_folder_without_a_description_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BadUse, match=r"holds no run: it has no run\.json"):
            Run.open(tmp_path)

    def test_among_runs_an_unreadable_one_is_told_and_left_alone(
        self, create: Create, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        create()
        (tmp_path / "theirs").mkdir()
        (tmp_path / "theirs" / "run.json").write_text("{}")
        (tmp_path / "empty").mkdir()
        assert [run.name for run in store.runs(tmp_path)] == ["run"]
        assert [message.endswith("; left alone") for message in caplog.messages] == [True]


class TestNewerSchema:
    """What a newer featherbench wrote is neither misread nor touched."""

    @pytest.fixture(params=["run.json", "records.jsonl"])
    def newer(self, request: pytest.FixtureRequest, create: Create) -> Path:
        run = create()
        run.append([record("a"), record("b")])
        path: Path = run.folder / request.param
        text = path.read_text()
        last = text.rindex(f'"schema_version":{" " if request.param == "run.json" else ""}{SCHEMA}')
        path.write_text(text[:last] + text[last:].replace(str(SCHEMA), str(SCHEMA + 1), 1))
        return path

    def test_it_is_refused_with_what_to_do(self, newer: Path) -> None:
        with pytest.raises(BadUse, match=rf"has schema {SCHEMA + 1}, and this featherbench reads {SCHEMA}: upgrade it"):
            Run.open(newer.parent)

    @pytest.mark.parametrize("arguments", [("compare", "run"), ("run", "--name", "run", "--resume", "--suite", "odd")])
    def test_the_command_ends_with_one_line_and_leaves_it_as_it_is(self, newer: Path, arguments: Sequence[str]) -> None:
        before = newer.read_bytes()
        done = command(*arguments, "--results", str(newer.parent.parent))
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert "upgrade it" in done.stderr
        assert newer.read_bytes() == before


class TestNames:
    def test_latest_is_the_one_that_began_last(self, create: Create, tmp_path: Path) -> None:
        create("a-late", started=NOW + timedelta(hours=1))
        create("b-early")
        assert store.find("latest", tmp_path).name == "a-late"
        assert [run.name for run in store.runs(tmp_path)] == ["b-early", "a-late"]

    def test_a_run_is_found_by_name_and_by_folder(self, create: Create, tmp_path: Path) -> None:
        run = create("mine")
        assert store.find("mine", tmp_path).folder == run.folder
        assert store.find(str(run.folder), tmp_path / "elsewhere").folder == run.folder

    def test_a_name_that_is_not_there_tells_those_that_are(self, create: Create, tmp_path: Path) -> None:
        create("one")
        create("two", started=NOW + timedelta(hours=1))
        with pytest.raises(BadUse, match="no run 'three'; choose from: latest, one, two"):
            store.find("three", tmp_path)

    def test_where_there_is_no_run_latest_says_how_to_make_one(self, tmp_path: Path) -> None:
        with pytest.raises(BadUse, match=r"no run in .* yet; make one with: featherbench run"):
            store.find("latest", tmp_path)

    def test_a_name_is_given_once(self, create: Create) -> None:
        run = create()
        run.append([record()])
        with pytest.raises(BadUse, match="exists already; add --resume to go on with it, or give another --name"):
            create()
        assert Run.open(run.folder).records == [record()]

    def test_a_folder_left_by_a_run_killed_before_it_began_is_no_obstacle(self, create: Create, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "run.json.partial").write_text('{"name": "ru')
        assert Run.open(create().folder).records == []

    def test_a_new_name_says_when_and_what(self) -> None:
        asked = Request(workloads=("conv", "gemm"), suite="quick", target="edge:avx2")
        assert store.new_name(asked, NOW) == "20261123-204510-conv+gemm-quick-edge-avx2"


class TestNoRoom:
    """A disk may be full, and a folder not writable; what was recorded before stays."""

    @pytest.fixture
    def small_disk(self, tmp_path: Path) -> Iterator[Path]:
        """256 KiB that are really full when they are."""
        disk = tmp_path / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True)
        if mounted.returncode:
            pytest.skip(f"cannot mount a small disk: {mounted.stderr.decode().strip()}")
        yield disk
        subprocess.run(["umount", disk], check=True)

    @pytest.mark.parametrize(("room", "size"), [(0, 6000), (4096, 7500), (8192, 7500), (8192, 20000)])
    def test_a_record_that_does_not_fit_leaves_no_trace(
        self, room: int, size: int, small_disk: Path, create: Create
    ) -> None:
        run = create(folder=small_disk)
        run.append([failed("a").model_copy(update={"reason": "x" * 4000})])
        before = records_file(run).read_bytes()
        fill(small_disk / "filler", room)
        too_long = failed("b").model_copy(update={"reason": "x" * (room + size)})
        with pytest.raises(CannotGoOn, match=r"No space left on device; the 1 records before are safe\. Make room"):
            run.append([too_long])
        assert records_file(run).read_bytes() == before
        (small_disk / "filler").unlink()
        run.append([too_long])
        assert [stored.implementation for stored in Run.open(run.folder).records] == ["a", "b"]

    def test_dev_full_is_told_as_it_is(self, create: Create) -> None:
        run = create()
        records_file(run).symlink_to("/dev/full")
        with pytest.raises(CannotGoOn, match="No space left on device"):
            run.append([record()])

    def test_a_run_stopped_by_a_full_disk_is_completed_by_resume(self, small_disk: Path) -> None:
        asked = REQUEST.model_copy(update={"implementations": ("im2col",), "cases": ("kernel=1", "kernel=1x7")})
        filler = small_disk / "filler"

        class FillsTheDisk(Silent):
            """After the first case."""

            def end(self, records: Sequence[Record]) -> None:
                fill(filler, left=0)

        with pytest.raises(CannotGoOn, match="No space left on device; the 1 records before are safe"):
            launch(asked, budget_s=0.1, results=small_disk, display=FillsTheDisk())
        (stopped,) = store.runs(small_disk)
        assert [stored.status for stored in stopped.records] == [Status.PASSED]
        filler.unlink()
        outcome = launch(asked, budget_s=0.1, results=small_disk, resume=True)
        assert (outcome.run.folder, outcome.measured) == (stopped.folder, 1)
        assert outcome.run.records[0] == stopped.records[0]
        assert len(Run.open(stopped.folder).records) == 2

    def test_machine_limits_that_cannot_be_kept_are_told_in_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("mine")
        monkeypatch.setattr(host, "measure_limits", lambda **_: Limits(peaks=[], bandwidths=[]))
        with pytest.raises(BadUse, match=r"cannot write to .*; choose another folder with --results"):
            launch(REQUEST, results=tmp_path / "file")

    @pytest.mark.parametrize("inside", ["", "deeper", "deeper/still"])
    def test_a_file_in_the_way_is_told_in_one_line(self, inside: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        results = str(tmp_path / "file" / inside)
        done = command("run", "grouped_conv2d", "--suite", "odd", "--case", "kernel=1", "--results", results)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("featherbench: cannot write to ")
        assert done.stderr.endswith("choose another folder with --results\n")
        assert (tmp_path / "file").read_text() == "mine"


def fill(path: Path, left: int) -> None:
    """Take all room but so many bytes of a disk."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
        os.ftruncate(file.fileno(), file.tell() - left)


def test_two_processes_do_not_write_to_one_run(create: Create) -> None:
    run = create()
    with run.locked(), pytest.raises(BadUse, match="another process is measuring"), Run.open(run.folder).locked():
        pass
    with Run.open(run.folder).locked():
        assert run.records == []
