"""A run may be killed at any instant: nothing recorded is lost, nothing is left running, and --resume completes it.

In pytest a few kills; for as many as you like: ``PYTHONPATH=. python tests/bench/run/test_kill.py 50``.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil
import pytest

from bench.core.record import Record, Status
from bench.store import runs

KILLS = 6
ROOT = Path(__file__).parents[3]
COMMAND = [
    *(sys.executable, "-m", "bench", "run", "grouped_conv2d", "--suite", "odd", "--impl", "im2col,onnxruntime"),
    *(
        "--budget",
        "0.1s",
        "--resume",
        "--case",
        "h=27",
        "--case",
        "bias=false",
        "--case",
        "stride=1",
        "--case",
        "cout=48",
    ),
]
"""Five small cases; one of them onnxruntime does not support."""


@dataclass
class Tally:
    """What happened, to be printed."""

    kills: int = 0
    by_records_before: Counter[int] = field(default_factory=Counter)
    """How many kills came after so many records."""
    torn: int = 0
    """How many left half a line, most of them because we cut it, as a power cut would."""
    runs_completed: int = 0

    def __str__(self) -> str:
        spread = ", ".join(f"{count} after {records}" for records, count in sorted(self.by_records_before.items()))
        return (
            f"{self.kills} kills ({spread} records; {self.torn} left half a line), {self.runs_completed} runs "
            "completed by --resume: no record lost, no worker left, no case split between sittings"
        )


def kill_again_and_again(folder: Path, kills: int, seed: int) -> Tally:
    """Kill runs at random instants until so many kills are done, resuming each until it is complete."""
    random = Random(seed)
    began = time.monotonic()
    expected = measure_undisturbed(folder / "undisturbed")
    whole_life = time.monotonic() - began
    tally = Tally()
    while tally.kills < kills:
        results = folder / f"after-{tally.kills}-kills"
        while tally.kills < kills and kill_one(results, random.uniform(0, whole_life), tally):
            if random.random() < 0.5:
                tear_last_line(results, random)
            tally.torn += stored_bytes(results)[-1:] not in (b"", b"\n")
        finish(results)
        assert keys(results) == expected
        require_whole_sittings(results)
        tally.runs_completed += 1
    return tally


def kill_one(results: Path, after_s: float, tally: Tally) -> bool:
    """Start or resume, and kill after so long; False where the run was quicker."""
    before = stored_bytes(results)
    process = start(results)
    try:
        process.wait(timeout=after_s)
        assert process.returncode == 0, stderr_of(results).read_text()
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    tally.kills += 1
    after = stored_bytes(results)
    assert after.startswith(before), "nothing that was recorded is ever changed"
    assert set(keys(results)) == {key_of(line) for line in after.split(b"\n") if is_whole(line)}
    tally.by_records_before[len(keys(results))] += 1
    require_no_worker_of(process.pid)
    return True


def measure_undisturbed(results: Path) -> set[tuple[str, ...]]:
    finish(results)
    found = keys(results)
    assert len(found) == 10, "five cases, two implementations"
    return found


def finish(results: Path) -> None:
    process = start(results)
    assert process.wait(timeout=120) == 0, stderr_of(results).read_text()
    assert len(runs(results)) == 1, "--resume goes on with the run that was killed"


def start(results: Path) -> subprocess.Popen[bytes]:
    with stderr_of(results).open("ab") as stderr:
        return subprocess.Popen(
            [*COMMAND, "--results", str(results)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=stderr
        )


def stderr_of(results: Path) -> Path:
    return results.with_name(f"{results.name}.stderr")


def tear_last_line(results: Path, random: Random) -> None:
    for path in results.glob("*/records.jsonl"):
        whole = path.read_bytes()
        start = whole.rstrip(b"\n").rfind(b"\n") + 1
        os.truncate(path, random.randint(start, len(whole)))


def stored_bytes(results: Path) -> bytes:
    return b"".join(path.read_bytes() for path in results.glob("*/records.jsonl"))


def keys(results: Path) -> set[tuple[str, ...]]:
    return {tuple(record.key) for run in runs(results) for record in run.records}


def is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def key_of(line: bytes) -> tuple[str, ...]:
    return tuple(Record.model_validate_json(line).key)


def require_whole_sittings(results: Path) -> None:
    """Whatever passed on one case was interleaved round by round, and so measured in one sitting."""
    sittings: dict[str, set[str]] = defaultdict(set)
    for run in runs(results):
        for record in run.records:
            if record.status is Status.PASSED:
                sittings[record.case].add(record.sitting)
    assert all(len(found) == 1 for found in sittings.values()), sittings


def require_no_worker_of(pid: int) -> None:
    deadline = time.monotonic() + 10
    while left := list(workers_of(pid)):
        assert time.monotonic() < deadline, f"still running: {left}"
        time.sleep(0.05)


def workers_of(pid: int) -> Iterator[psutil.Process]:
    mark = ["-m", "bench.run.worker", str(pid)]
    return (process for process in psutil.process_iter(["cmdline"]) if (process.info["cmdline"] or [])[2:5] == mark)


@pytest.mark.timeout(600)
def test_a_run_killed_at_random_instants_loses_nothing(tmp_path: Path) -> None:
    tally = kill_again_and_again(tmp_path, KILLS, seed=1)
    assert tally.kills == KILLS


if __name__ == "__main__":
    logging.disable()  # of every torn line each time that it is read
    with tempfile.TemporaryDirectory() as scratch:
        print(kill_again_and_again(Path(scratch), int(sys.argv[1]), seed=os.getpid()))
