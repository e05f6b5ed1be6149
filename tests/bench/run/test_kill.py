"""A run may be killed at any instant: nothing recorded is lost, nothing is left running, and --resume completes it.

pytest makes a few kills; ``PYTHONPATH=. python tests/bench/run/test_kill.py 50`` makes 50.
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

KILLS = 4
ROOT = Path(__file__).parents[3]
COMMAND = [
    *(sys.executable, "-m", "bench", "run", "grouped_conv2d", "--suite", "odd", "--impl", "im2col,onnxruntime"),
    *("--budget", "0.1s", "--resume"),
    *(f"--case={text}" for text in ("h=27", "bias=false", "stride=1", "cout=48", "kernel=1", "kernel=3")),
]
"""The command that is killed: it measures three small cases, one of which onnxruntime does not support."""


@dataclass
class Tally:
    """Counts of what happened, to be printed."""

    kills: int = 0
    by_records_before: Counter[int] = field(default_factory=Counter)
    """The number of kills by the number of records before them."""
    torn: int = 0
    """The number of kills that left half a line, most of them because the test cut it as a power cut would."""
    runs_completed: int = 0

    def __str__(self) -> str:
        spread = ", ".join(f"{count} after {records}" for records, count in sorted(self.by_records_before.items()))
        return (
            f"{self.kills} kills ({spread} records; {self.torn} left half a line), {self.runs_completed} runs "
            "completed by --resume: no record lost, no worker left, no case split between sessions"
        )


def kill_again_and_again(folder: Path, kills: int, seed: int) -> Tally:
    """Kill runs at random instants until there are enough kills, resuming each run until it is complete."""
    random = Random(seed)
    began = time.monotonic()
    expected = measure_undisturbed(folder / "undisturbed")
    undisturbed_s = time.monotonic() - began
    tally = Tally()
    while tally.kills < kills:
        results = folder / f"after-{tally.kills}-kills"
        while tally.kills < kills and kill_one(results, random.uniform(0, undisturbed_s), tally):
            if random.random() < 0.5:
                tear_last_line(results, random)
            tally.torn += stored_bytes(results)[-1:] not in (b"", b"\n")
        finish(results)
        assert keys(results) == expected
        require_one_session_per_case(results)
        tally.runs_completed += 1
    return tally


def kill_one(results: Path, after_s: float, tally: Tally) -> bool:
    """Start or resume a run and kill it after ``after_s`` seconds; return False if the run ended before."""
    before = stored_bytes(results)
    process = start(results)
    try:
        process.wait(timeout=after_s)
        assert process.returncode == 0, stderr_path(results).read_text()
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    tally.kills += 1
    after = stored_bytes(results)
    assert after.startswith(before), "nothing that was recorded is ever changed"
    assert set(keys(results)) == {key_of(line) for line in after.split(b"\n") if is_whole(line)}
    tally.by_records_before[len(keys(results))] += 1
    require_no_worker(process.pid)
    return True


def measure_undisturbed(results: Path) -> set[tuple[str, ...]]:
    finish(results)
    recorded = keys(results)
    assert len(recorded) == 6, "three cases, two implementations"
    return recorded


def finish(results: Path) -> None:
    process = start(results)
    assert process.wait(timeout=120) == 0, stderr_path(results).read_text()
    assert len(runs(results)) == 1, "--resume goes on with the run that was killed"


def start(results: Path) -> subprocess.Popen[bytes]:
    with stderr_path(results).open("ab") as stderr:
        return subprocess.Popen(
            [*COMMAND, "--results", str(results)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=stderr
        )


def stderr_path(results: Path) -> Path:
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


def require_one_session_per_case(results: Path) -> None:
    """Require that everything that passed on a case was interleaved round by round, and so measured in one session."""
    sessions: dict[str, set[str]] = defaultdict(set)
    for run in runs(results):
        for record in run.records:
            if record.status is Status.PASSED:
                sessions[record.case].add(record.session)
    assert all(len(names) == 1 for names in sessions.values()), sessions


def require_no_worker(pid: int) -> None:
    deadline = time.monotonic() + 10
    while workers := list(workers_of(pid)):
        assert time.monotonic() < deadline, f"still running: {workers}"
        time.sleep(0.05)


def workers_of(pid: int) -> Iterator[psutil.Process]:
    worker = ["-m", "bench.run.worker", str(pid)]
    return (process for process in psutil.process_iter(["cmdline"]) if (process.info["cmdline"] or [])[2:5] == worker)


@pytest.mark.timeout(600)
def test_a_run_killed_at_random_instants_loses_nothing(tmp_path: Path) -> None:
    tally = kill_again_and_again(tmp_path, KILLS, seed=1)
    assert tally.kills == KILLS


if __name__ == "__main__":
    logging.disable()  # Each reading of a torn line logs a warning.
    with tempfile.TemporaryDirectory() as scratch:
        print(kill_again_and_again(Path(scratch), int(sys.argv[1]), seed=os.getpid()))
