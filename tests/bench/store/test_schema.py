"""What a stored record must hold, and which schemas are read: an older one is converted, a newer one is left alone."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bench.core.budget import Budget
from bench.core.errors import UsageError
from bench.core.record import SCHEMA, Check, Record, Status
from bench.store import Run
from bench.store.parquet import read_packed

ROOT = Path(__file__).parents[3]
OLD = ROOT / "results/reference/grouped_conv2d-odd-edge-zen5"

CreateRun = Callable[..., Run]
CreateRecord = Callable[..., Record]


class TestSchema:
    @pytest.mark.parametrize("missing", ["check", "latency", "memory"])
    def test_a_record_that_passed_has_been_checked_and_measured(self, missing: str, record: CreateRecord) -> None:
        changes: dict[str, Any] = {missing: None}
        with pytest.raises(ValidationError, match="a passed record needs a passed check, a latency and a memory"):
            record(**changes)

    def test_a_failed_check_does_not_pass(self, record: CreateRecord) -> None:
        with pytest.raises(ValidationError, match="a passed record needs a passed check"):
            record(check=Check(passed=False, reason="error 1 is above the tolerance"))

    @pytest.mark.parametrize("status", [status for status in Status if status is not Status.PASSED])
    def test_only_a_record_that_passed_holds_latency_and_memory(self, status: Status, record: CreateRecord) -> None:
        with pytest.raises(ValidationError, match="neither latency nor memory"):
            record(status=status, reason="whatever", memory=None)

    def test_a_record_that_did_not_pass_has_a_reason(self, record: CreateRecord) -> None:
        with pytest.raises(ValidationError, match="a record that did not pass has a reason"):
            record(status=Status.CRASHED, latency=None, memory=None)

    def test_a_record_is_the_same_after_storing(self, record: CreateRecord, failed: CreateRecord) -> None:
        """A metric may be infinite where training diverged."""
        diverged = Check(passed=False, reason="it diverged", metrics={"loss": float("inf"), "top-1": 0.1})
        for stored in (record(), failed(), failed().model_copy(update={"check": diverged})):
            assert Record.model_validate(json.loads(stored.model_dump_json())) == stored


class TestNewerSchema:
    """What a newer featherbench wrote is neither misread nor touched."""

    @pytest.fixture(params=["run.json", "records.jsonl"])
    def newer(self, request: pytest.FixtureRequest, create: CreateRun, record: CreateRecord) -> Path:
        run = create()
        run.append([record("a"), record("b")])
        path: Path = run.folder / request.param
        text = path.read_text()
        last = text.rindex(f'"schema_version":{" " if request.param == "run.json" else ""}{SCHEMA}')
        path.write_text(text[:last] + text[last:].replace(str(SCHEMA), str(SCHEMA + 1), 1))
        return path

    def test_it_is_refused_with_the_advice_to_upgrade(self, newer: Path) -> None:
        with pytest.raises(
            UsageError, match=rf"has schema {SCHEMA + 1}, and this featherbench reads {SCHEMA}: upgrade it"
        ):
            Run.open(newer.parent)

    @pytest.mark.parametrize("arguments", [("compare", "run"), ("run", "--name", "run", "--resume", "--suite", "odd")])
    def test_the_command_prints_one_line_and_leaves_the_file_unchanged(
        self, newer: Path, arguments: Sequence[str]
    ) -> None:
        before = newer.read_bytes()
        command = [sys.executable, "-m", "bench", *arguments, "--results", str(newer.parent.parent)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.count("\n") == 1
        assert "upgrade it" in result.stderr
        assert newer.read_bytes() == before


class TestSchema1:
    """The run of an earlier release holds the first lines of a committed run."""

    @pytest.fixture
    def old(self, tmp_path: Path) -> Path:
        folder = tmp_path / "old"
        folder.mkdir()
        (folder / "run.json").write_bytes((OLD / "run.json").read_bytes())
        lines = read_packed(OLD / "records.parquet")[:3]
        (folder / "records.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        return folder

    def test_it_is_converted_to_the_current_schema(self, old: Path, caplog: pytest.LogCaptureFixture) -> None:
        run = Run.open(old)
        assert caplog.messages == []
        assert (run.info.schema_version, run.info.budget) == (2, Budget(timed_s=5, timeout_s=120, memory_bytes=4 << 30))
        (machine_id,) = run.info.machines
        assert machine_id == run.info.machine.environment.machine_id
        assert {stored.machine for stored in run.records} == {machine_id}
        assert len(run.records) == 3
        lines = [json.loads(line) for line in (old / "records.jsonl").read_text().splitlines()]
        for stored, line in zip(run.records, lines, strict=True):
            assert (stored.latency is None) == (line["latency"] is None)
            assert stored.latency is None or stored.latency.estimate == line["latency"]["median"]

    def test_new_records_are_appended_after_the_old_ones(self, old: Path, record: CreateRecord) -> None:
        before = (old / "records.jsonl").read_bytes()
        Run.open(old).append([record("a")])
        assert (old / "records.jsonl").read_bytes().startswith(before)
        assert [stored.schema_version for stored in Run.open(old).records] == [2] * 4
        assert Run.open(old).records[-1] == record("a")

    @pytest.mark.parametrize("missing", ["spending", "environment", "threads", "limits", "noise_floor"])
    def test_a_description_without_a_field_is_refused(self, old: Path, missing: str) -> None:
        info = json.loads((old / "run.json").read_text())
        del info[missing]
        (old / "run.json").write_text(json.dumps(info))
        with pytest.raises(UsageError, match=r"run\.json is not the description of a run"):
            Run.open(old)

    @pytest.mark.parametrize("change", [{"latency": 3}, {"latency": {}}, {"latency": {"turns": 3}}, {"seconds": 3}])
    def test_a_line_that_is_no_record_is_reported_and_skipped(
        self, old: Path, change: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        lines = (old / "records.jsonl").read_text().splitlines()
        lines[1] = json.dumps(json.loads(lines[1]) | change)
        (old / "records.jsonl").write_text("\n".join(lines))
        assert len(Run.open(old).records) == 2
        assert caplog.messages == [f"{old / 'records.jsonl'} line 2 is not a record of featherbench; skipped"]
