"""A packed run is the same run: nothing is lost, whatever its lines are and whenever packing is killed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import store
from bench.core.errors import RunError, UsageError
from bench.core.record import SCHEMA, Check, Record
from bench.store import Run, packing
from bench.store.packing import pack
from bench.store.parquet import packed_bytes, read_packed

ROOT = Path(__file__).parents[3]
OLD = ROOT / "results/reference/grouped_conv2d-odd-edge-zen5"
FILES = ("records.jsonl", "records.parquet")

CreateRun = Callable[..., Run]
CreateRecord = Callable[..., Record]


@pytest.fixture
def run(create: CreateRun, record: CreateRecord, failed: CreateRecord) -> Run:
    """A run with two superseded records, and with metrics that are not finite."""
    run = create()
    run.append([record("a"), failed("b")])
    diverged = Check(passed=False, metrics={"loss": float("nan"), "worst": float("inf"), "top-1": 0.1})
    run.append([record("b"), failed("c").model_copy(update={"check": diverged}), failed("a")])
    return run


def content(run: Run) -> dict[str, bytes]:
    return {name: (run.folder / name).read_bytes() for name in FILES if (run.folder / name).exists()}


def records(run: Run) -> list[str]:
    """The records of the run as they are on disk now, as text, since NaN does not equal itself."""
    return [record.model_dump_json() for record in Run.open(run.folder).records]


def unpacked(run: Run) -> bytes:
    return b"".join(line + b"\n" for line in read_packed(run.folder / "records.parquet"))


class TestNothingIsLost:
    def test_the_records_are_the_same_in_the_same_order(self, run: Run) -> None:
        before = records(run)
        result = pack(run)
        assert list(content(run)) == ["records.parquet"]
        assert (result.lines, result.already_packed) == (5, False)
        assert records(run) == before
        assert [json.loads(text)["implementation"] for text in before] == ["a", "b", "c"]

    def test_every_line_can_be_restored_byte_for_byte(self, run: Run) -> None:
        before = content(run)["records.jsonl"]
        pack(run)
        assert unpacked(run) == before

    @pytest.mark.parametrize("foreign", [b"42", b"", b"\0\xff", b'{"name": "theirs"}', b'{"latency":{"rounds":[[3.0'])
    @pytest.mark.parametrize("end", [b"\n", b""])
    def test_a_line_that_is_no_record_is_kept(
        self, foreign: bytes, end: bytes, run: Run, record: CreateRecord, caplog: pytest.LogCaptureFixture
    ) -> None:
        with (run.folder / "records.jsonl").open("ab") as file:
            file.write(foreign + b"\n" + foreign + end)
        before, text = records(run), content(run)["records.jsonl"]
        warnings = [message.replace("jsonl", "parquet") for message in caplog.messages]
        pack(run)
        caplog.clear()
        assert records(run) == before
        assert caplog.messages == warnings
        assert unpacked(run) == text + (b"" if text.endswith(b"\n") else b"\n")

    def test_a_run_of_schema_1_keeps_its_lines(self, tmp_path: Path) -> None:
        lines = read_packed(OLD / "records.parquet")
        assert {json.loads(line)["schema_version"] for line in lines} == {1}
        (tmp_path / "run.json").write_bytes((OLD / "run.json").read_bytes())
        (tmp_path / "records.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        run = Run.open(tmp_path)
        before = run.records
        result = pack(run)
        assert Run.open(tmp_path).records == before == Run.open(OLD).records
        assert unpacked(run) == b"".join(line + b"\n" for line in lines)
        assert result.bytes_after < result.bytes_before / 4


class TestAddingToIt:
    def test_records_are_appended_beside_the_packed_ones(self, run: Run, record: CreateRecord) -> None:
        pack(run)
        packed = content(run)["records.parquet"]
        reopened = Run.open(run.folder)
        reopened.append([record("c"), record("d")])
        assert content(run)["records.parquet"] == packed
        assert Run.open(run.folder).records == reopened.records
        assert [kept.implementation for kept in reopened.records] == ["a", "b", "c", "d"]
        assert reopened.records[2:] == [record("c"), record("d")]

    def test_it_can_be_packed_again(self, run: Run, record: CreateRecord) -> None:
        text = content(run)["records.jsonl"]
        pack(run)
        Run.open(run.folder).append([record("d")])
        text += content(run)["records.jsonl"]
        before = records(run)
        assert pack(run).lines == 6
        assert list(content(run)) == ["records.parquet"]
        assert records(run) == before
        assert unpacked(run) == text

    def test_what_is_packed_already_is_left_alone(self, run: Run) -> None:
        first = pack(run)
        before = content(run)
        second = pack(run)
        assert second.already_packed
        assert (second.lines, second.bytes_before, second.bytes_after) == (5, first.bytes_after, first.bytes_after)
        assert content(run) == before

    def test_a_run_without_records_is_refused(self, create: CreateRun) -> None:
        run = create()
        with pytest.raises(UsageError, match="run run has no records to pack"):
            pack(run)
        assert content(run) == {}

    def test_a_run_that_another_process_is_adding_to_is_refused(self, run: Run) -> None:
        before = content(run)
        with Run.open(run.folder).locked(), pytest.raises(UsageError, match="another process is measuring or packing"):
            pack(run)
        assert content(run) == before

    def test_nothing_can_be_added_while_it_is_packed(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def pack_while_another_adds(lines: list[bytes]) -> bytes:
            other = Run.open(run.folder)
            with pytest.raises(UsageError, match="another process is measuring or packing"), other.locked():
                pass
            return packed_bytes(lines)

        monkeypatch.setattr(packing, "packed_bytes", pack_while_another_adds)
        assert pack(run).lines == 5


KILL = """
import os, shutil, sys
from pathlib import Path
import pyarrow.parquet
from bench.store import Run
from bench.store.packing import pack

original, killed, survived = Path(sys.argv[1]), True, 0


def pack_until_killed(folder, survived):
    seen = []

    def kill(event, arguments):
        if event in ("open", "os.chmod", "os.rename", "os.remove") and str(folder) in str(arguments):
            seen.append(event)
            if len(seen) > survived:
                os._exit(9)

    run = Run.open(folder)
    sys.addaudithook(kill)
    pack(run)
    os._exit(0)


while killed:
    copy = original.with_name(f"killed-{survived}")
    shutil.copytree(original, copy)
    if not (child := os.fork()):
        pack_until_killed(copy, survived)
    killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    survived += 1
"""
"""Packs copies of a run: the first is killed before packing opens or changes a file, the next after one, and so on."""


class TestKill:
    def test_a_kill_at_any_instant_leaves_the_same_run(self, run: Run, record: CreateRecord, tmp_path: Path) -> None:
        pack(run)
        Run.open(run.folder).append([record("d"), record("a")])
        before = records(run)
        subprocess.run([sys.executable, "-c", KILL, str(run.folder)], cwd=ROOT, check=True)
        states = set()
        for folder in tmp_path.glob("killed-*"):
            copy = Run.open(folder)
            assert records(copy) == before
            states.add((tuple(content(copy)), len(read_packed(folder / "records.parquet"))))
            copy.append([record("e")])
            assert records(copy) == [*before, record("e").model_dump_json()]
            assert pack(copy).lines == 8
            assert list(content(copy)) == ["records.parquet"]
            assert records(copy) == [*before, record("e").model_dump_json()]
        assert states == {(FILES, 5), (FILES, 7), (FILES[1:], 7)}, "before, between writing and removing, after"

    def test_lines_left_by_a_kill_are_removed_by_the_next_packing(self, run: Run) -> None:
        text = content(run)["records.jsonl"]
        pack(run)
        (run.folder / "records.jsonl").write_bytes(text)
        result = pack(run)
        assert (result.lines, result.already_packed) == (5, False)
        assert list(content(run)) == ["records.parquet"]
        assert unpacked(run) == text


class TestFailures:
    def test_a_file_that_does_not_read_back_is_not_kept(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        before = content(run)
        monkeypatch.setattr(packing, "packed_bytes", lambda lines: packed_bytes([*lines[1:], lines[0]]))
        with pytest.raises(RunError, match=r"records\.parquet does not read back as it was written; no record is lost"):
            pack(run)
        assert content(run) == before
        assert sorted(path.name for path in run.folder.iterdir()) == ["records.jsonl", "run.json"]

    def test_a_full_disk_leaves_the_run_as_it_was(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(descriptor: int) -> None:
            raise OSError(28, os.strerror(28))

        before = content(run)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"cannot pack .*: No space left on device; no record is lost"):
            pack(run)
        assert content(run) == before

    def test_a_damaged_file_is_reported_in_one_line(
        self, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        pack(run)
        path = run.folder / "records.parquet"
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(UsageError, match="is damaged"):
            Run.open(run.folder)
        assert store.runs(tmp_path) == []
        assert [message.endswith("restore it from a copy; left alone") for message in caplog.messages] == [True]

    def test_a_packed_line_of_a_newer_release_is_refused(self, run: Run) -> None:
        """Such a file is the work of a newer release, as this one refuses to read the line before it packs it."""
        lines = [b"{}", json.dumps({"schema_version": SCHEMA + 1}).encode()]
        (run.folder / "records.parquet").write_bytes(packed_bytes(lines))
        words = rf"records\.parquet line 2 has schema {SCHEMA + 1}, and this featherbench reads {SCHEMA}: upgrade it"
        with pytest.raises(UsageError, match=words):
            Run.open(run.folder)

    def test_a_run_of_a_newer_release_is_not_packed(self, run: Run) -> None:
        with (run.folder / "records.jsonl").open("a") as file:
            file.write(json.dumps({"schema_version": SCHEMA + 1}) + "\n")
        before = content(run)
        with pytest.raises(UsageError, match=rf"line 6 has schema {SCHEMA + 1}"):
            pack(run)
        assert content(run) == before
