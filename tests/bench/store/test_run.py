"""Runs on disk survive kills, full disks and foreign files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from bench import machine, store
from bench.core.budget import Budget
from bench.core.errors import RunError, UsageError
from bench.core.record import Record, Status
from bench.peaks import host
from bench.peaks.model import Peak, Peaks
from bench.run.launch import Silent, launch
from bench.store import Request, Run

REQUEST = Request(workloads=("grouped_conv2d",), suite="odd", target="edge")
ROOT = Path(__file__).parents[3]

CreateRun = Callable[..., Run]
CreateRecord = Callable[..., Record]


def records_file(run: Run) -> Path:
    return run.folder / "records.jsonl"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True)


class TestReading:
    def test_appended_records_are_read_when_the_run_is_opened_again(
        self, create: CreateRun, record: CreateRecord, failed: CreateRecord
    ) -> None:
        run = create()
        run.append([record("a"), failed("b")])
        run.append([record("c")])
        reopened = Run.open(run.folder)
        assert reopened.records == run.records == [record("a"), failed("b"), record("c")]
        assert reopened.info == run.info

    def test_the_latest_record_of_a_key_counts_and_earlier_ones_stay_in_the_file(
        self, create: CreateRun, record: CreateRecord, failed: CreateRecord
    ) -> None:
        run = create()
        run.append([record("a"), failed("b")])
        run.append([record("b")])
        assert Run.open(run.folder).records == run.records == [record("a"), record("b")]
        assert len(records_file(run).read_bytes().splitlines()) == 3

    def test_a_truncated_last_line_loses_only_its_own_record(
        self, create: CreateRun, caplog: pytest.LogCaptureFixture, record: CreateRecord
    ) -> None:
        """A kill or a power cut may end the last line anywhere, even within a two-byte character."""
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
    def test_a_foreign_line_is_reported_and_skipped(
        self, foreign: str, create: CreateRun, caplog: pytest.LogCaptureFixture, record: CreateRecord
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
        with pytest.raises(UsageError, match=r"run\.json is not the description of a run"):
            Run.open(tmp_path)

    def test_fields_of_a_later_release_are_ignored(
        self,
        create: CreateRun,
        caplog: pytest.LogCaptureFixture,
        environment: machine.Environment,
        record: CreateRecord,
    ) -> None:
        """They may be in any part of the run, as long as the schema is the current one."""
        run = create()
        run.append([record("a")])
        info = json.loads((run.folder / "run.json").read_text())
        entry = info["machines"][environment.machine_id]
        entry["peaks"] = Peaks(peaks=[Peak(isa="avx2", threads=1, gflops=50)], bandwidths=[]).model_dump()
        for part in (info, info["request"], info["budget"], entry, entry["environment"], entry["peaks"]):
            part["later_field"] = ["any", "thing"]
        (run.folder / "run.json").write_text(json.dumps(info))
        line = json.loads(records_file(run).read_text())
        for part in (line, line["latency"], line["memory"], line["check"], line["work"]):
            part["later_field"] = {"any": "thing"}
        records_file(run).write_text(json.dumps(line) + "\n")
        reopened = Run.open(run.folder)
        assert reopened.records == [record("a")]
        assert (reopened.info.request, reopened.info.budget) == (REQUEST, run.info.budget)
        assert reopened.info.machine.environment == environment
        assert caplog.messages == []

    def test_a_request_keeps_its_stored_names(self, create: CreateRun) -> None:
        run = create()
        stored = json.loads((run.folder / "run.json").read_text())["request"]
        assert stored.keys() == {
            "workloads",
            "suite",
            "target",
            "implementations",
            "cases",
            "problems",
            "model",
            "plugins",
        }
        filtered = REQUEST.model_copy(update={"case_filters": ("groups=8",)})
        assert Request.model_validate(stored | {"cases": ["groups=8"]}) == filtered
        assert Request.model_validate_json(filtered.model_dump_json()) == filtered

    def test_an_unknown_field_of_a_new_request_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="suitte"):
            Request(workloads=(), suite="odd", target="edge", suitte="odd")  # type: ignore[call-arg]

    def test_the_first_machine_is_the_one_that_began_the_run(
        self, create: CreateRun, environment: machine.Environment
    ) -> None:
        """Other machines may add records to a run."""
        run = create()
        info = json.loads((run.folder / "run.json").read_text())
        info["machines"]["0123456789ab"] = info["machines"][environment.machine_id] | {"threads": 7}
        (run.folder / "run.json").write_text(json.dumps(info))
        reopened = Run.open(run.folder).info
        assert reopened.machine.threads == 1
        assert {machine_id: entry.threads for machine_id, entry in reopened.machines.items()} == {
            environment.machine_id: 1,
            "0123456789ab": 7,
        }

    def test_a_run_without_a_machine_is_refused(self, create: CreateRun) -> None:
        run = create()
        info = json.loads((run.folder / "run.json").read_text())
        (run.folder / "run.json").write_text(json.dumps(info | {"machines": {}}))
        with pytest.raises(UsageError, match="is not the description of a run"):
            Run.open(run.folder)

    def test_a_folder_without_a_description_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"holds no run: it has no run\.json"):
            Run.open(tmp_path)

    def test_an_unreadable_run_among_others_is_reported_and_left_alone(
        self, create: CreateRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        create()
        (tmp_path / "theirs").mkdir()
        (tmp_path / "theirs" / "run.json").write_text("{}")
        (tmp_path / "empty").mkdir()
        assert [run.name for run in store.runs(tmp_path)] == ["run"]
        assert [message.endswith("; left alone") for message in caplog.messages] == [True]


class TestCreating:
    def test_a_name_cannot_be_used_twice(self, create: CreateRun, record: CreateRecord) -> None:
        run = create()
        run.append([record()])
        with pytest.raises(UsageError, match="exists already; add --resume to go on with it, or give another --name"):
            create()
        assert Run.open(run.folder).records == [record()]

    def test_a_folder_left_by_a_run_killed_before_it_began_can_be_reused(
        self, create: CreateRun, tmp_path: Path
    ) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "run.json.partial").write_text('{"name": "ru')
        assert Run.open(create().folder).records == []


class TestNoRoom:
    """On a full disk or in a folder that is not writable, what was recorded before stays."""

    @pytest.fixture
    def small_disk(self, tmp_path: Path) -> Iterator[Path]:
        """A mounted file system of 256 KiB."""
        disk = tmp_path / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True)
        if mounted.returncode:
            pytest.skip(f"cannot mount a small disk: {mounted.stderr.decode().strip()}")
        yield disk
        subprocess.run(["umount", disk], check=True)

    @pytest.mark.parametrize(("room", "size"), [(0, 6000), (4096, 7500), (8192, 7500), (8192, 20000)])
    def test_a_record_that_does_not_fit_leaves_no_trace(
        self, room: int, size: int, small_disk: Path, create: CreateRun, failed: CreateRecord
    ) -> None:
        run = create(folder=small_disk)
        run.append([failed("a").model_copy(update={"reason": "x" * 4000})])
        before = records_file(run).read_bytes()
        fill(small_disk / "filler", room)
        too_long = failed("b").model_copy(update={"reason": "x" * (room + size)})
        with pytest.raises(RunError, match=r"No space left on device; the 1 records before are safe\. Make room"):
            run.append([too_long])
        assert records_file(run).read_bytes() == before
        (small_disk / "filler").unlink()
        run.append([too_long])
        assert [stored.implementation for stored in Run.open(run.folder).records] == ["a", "b"]

    def test_a_full_device_is_reported(self, create: CreateRun, record: CreateRecord) -> None:
        run = create()
        records_file(run).symlink_to("/dev/full")
        with pytest.raises(RunError, match="No space left on device"):
            run.append([record()])

    @pytest.mark.usefixtures("one_process")
    def test_a_run_stopped_by_a_full_disk_is_completed_by_resume(self, small_disk: Path) -> None:
        request = REQUEST.model_copy(
            update={"implementations": ("im2col",), "case_filters": ("kernel=1", "kernel=1x7")}
        )
        filler = small_disk / "filler"

        class FillsTheDisk(Silent):
            """Fills the disk after the first case."""

            def end(self, records: Sequence[Record]) -> None:
                fill(filler, left=0)

        with pytest.raises(RunError, match="No space left on device; the 1 records before are safe"):
            launch(request, budget=Budget(timed_s=0.1), results=small_disk, display=FillsTheDisk())
        (stopped,) = store.runs(small_disk)
        assert [stored.status for stored in stopped.records] == [Status.PASSED]
        filler.unlink()
        outcome = launch(request, budget=Budget(timed_s=0.1), results=small_disk, resume=True)
        assert (outcome.run.folder, outcome.measured) == (stopped.folder, 1)
        assert outcome.run.records[0] == stopped.records[0]
        assert len(Run.open(stopped.folder).records) == 2

    def test_peaks_that_cannot_be_stored_are_a_usage_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("mine")
        monkeypatch.setattr(host, "measure_peaks", lambda **_: Peaks(peaks=[], bandwidths=[]))
        with pytest.raises(UsageError, match=r"cannot write to .*; choose another folder with --results"):
            launch(REQUEST, results=tmp_path / "file")

    @pytest.mark.parametrize("inside", ["", "deeper", "deeper/still"])
    def test_a_file_in_place_of_the_results_folder_is_a_usage_error(self, inside: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        results = str(tmp_path / "file" / inside)
        result = command("run", "grouped_conv2d", "--suite", "odd", "--case", "kernel=1", "--results", results)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("featherbench: cannot write to ")
        assert result.stderr.endswith("choose another folder with --results\n")
        assert (tmp_path / "file").read_text() == "mine"


def fill(path: Path, left: int) -> None:
    """Fill a disk until only ``left`` bytes are free."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
        os.ftruncate(file.fileno(), file.tell() - left)


def test_two_processes_cannot_write_to_the_same_run(create: CreateRun) -> None:
    run = create()
    with run.locked(), pytest.raises(UsageError, match="another process is measuring"), Run.open(run.folder).locked():
        pass
    with Run.open(run.folder).locked():
        assert run.records == []
