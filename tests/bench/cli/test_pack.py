"""``featherbench pack``: what it prints, what it refuses, and that a packed run can be resumed."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bench.core.record import Record
from bench.store import Run
from bench.store.packing import pack

Command = Callable[..., CompletedProcess[str]]
CreateRun = Callable[..., Run]
CreateRecord = Callable[..., Record]


@pytest.fixture
def run(create: CreateRun, record: CreateRecord) -> Run:
    run = create("mine")
    run.append([record("im2col"), record("pytorch")])
    return run


def test_runs_are_packed_by_name_and_by_folder(
    featherbench: Command, run: Run, create: CreateRun, record: CreateRecord, tmp_path: Path
) -> None:
    other = create("other")
    other.append([record()])
    packed = featherbench("pack", "mine", str(other.folder), "--results", str(tmp_path), cwd=tmp_path)
    assert (packed.returncode, packed.stderr) == (0, "")
    first, second = packed.stdout.splitlines()
    assert first.startswith("mine: 2 lines, 0.00 MB before, 0.0")
    assert second.startswith("other: 1 lines, ")
    assert not list(tmp_path.glob("*/records.jsonl"))
    again = featherbench("pack", "mine", "--results", str(tmp_path), cwd=tmp_path)
    assert again.returncode == 0
    assert again.stdout.startswith("mine: packed already, 2 lines in 0.0")


def test_json_has_the_sizes_in_bytes(featherbench: Command, run: Run, tmp_path: Path) -> None:
    before = (run.folder / "records.jsonl").stat().st_size
    printed = featherbench("pack", "latest", "--json", "--results", str(tmp_path), cwd=tmp_path).stdout
    after = (run.folder / "records.parquet").stat().st_size
    expected = {"run": "mine", "folder": str(run.folder), "lines": 2, "bytes_before": before, "bytes_after": after}
    assert json.loads(printed) == [expected | {"already_packed": False}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pack"], "Missing argument 'RUN"),
        (["pack", "mine", "lost"], "no run 'lost' in "),
        (["pack", "empty"], "run empty has no records to pack"),
    ],
)
def test_a_usage_error_is_one_line(
    featherbench: Command, arguments: list[str], words: str, run: Run, create: CreateRun, tmp_path: Path
) -> None:
    create("empty")
    result = featherbench(*arguments, "--results", str(tmp_path), cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert words in result.stderr
    assert (run.folder / "records.jsonl").exists(), "no run is packed where another is not known"


def test_a_run_that_is_measured_is_refused(featherbench: Command, run: Run, tmp_path: Path) -> None:
    with run.locked():
        result = featherbench("pack", "mine", "--results", str(tmp_path), cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "another process is measuring or packing" in result.stderr


def test_a_packed_run_is_resumed(featherbench: Command, tmp_path: Path) -> None:
    """One of two cases is recorded, and --resume measures the other."""
    small = ["run", "grouped_conv2d", "--suite", "odd", "--impl", "im2col", "--budget", "0.1s", "--name", "small"]
    small += ["--case", "kernel=1", "--case", "kernel=1x7"]
    assert featherbench(*small, cwd=tmp_path).returncode == 0
    folder = tmp_path / "results/local/small"
    first, _ = (folder / "records.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "records.jsonl").write_bytes(first)
    kept = Run.open(folder).records
    pack(Run.open(folder))
    resumed = featherbench(*small, "--resume", "--json", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["measured"] == 1
    completed = Run.open(folder).records
    assert (completed[:1], len(completed)) == (kept, 2)
    assert pack(Run.open(folder)).lines == 2
    assert Run.open(folder).records == completed
