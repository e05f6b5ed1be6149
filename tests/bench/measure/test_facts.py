"""Facts that a worker collects about itself."""

import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from bench.core.target import Target
from bench.measure.facts import instruction_sets, thread_ticks, threads_that_ran


def work(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Worker(Thread):
    """Works for a while, sets ``has_worked``, and ends only after ``may_end`` is set, however it is scheduled."""

    def __init__(self) -> None:
        super().__init__()
        self.has_worked = Event()
        self.may_end = Event()
        self.start()

    def run(self) -> None:
        work(0.4)
        self.has_worked.set()
        self.may_end.wait()


@pytest.mark.parametrize(
    ("ended", "running", "own_s", "expected"),
    [(0, 0, 0.4, 1), (1, 0, 0.4, 2), (0, 2, 0.3, 3), (1, 0, 0.0, 1), (1, 1, 0.3, 3)],
)
def test_threads_that_worked_are_counted_also_after_their_end(
    ended: int, running: int, own_s: float, expected: int
) -> None:
    before = thread_ticks()
    for thread in [Worker() for _ in range(ended)]:
        thread.may_end.set()
        thread.join()
    running_threads = [Worker() for _ in range(running)]
    work(own_s)
    for thread in running_threads:
        thread.has_worked.wait()
    counted = threads_that_ran(before)
    for thread in running_threads:
        thread.may_end.set()
        thread.join()
    assert counted == expected


@pytest.mark.parametrize(("cap", "words"), [("avx2", "AVX2"), (None, "")])
def test_onednn_reports_its_instruction_set_and_is_silent_while_timed(
    cap: str | None, words: str, tmp_path: Path
) -> None:
    """The output is on stdout, which goes to a worker's log; in this test it is a file."""
    code = """
import sys, torch
from bench.core.target import Target
from bench.measure.facts import instruction_sets
x, w = torch.ones(2, 16, 8, 8), torch.ones(16, 8, 3, 3)
torch.nn.functional.conv2d(x, w, groups=2)
sys.stderr.write(instruction_sets(Target("edge", sys.argv[1] or None), ["torch"])["isa onednn"] + chr(10))
print("silent from here", flush=True)
torch.nn.functional.conv2d(x, w, groups=2)
"""
    target = Target("edge", cap)
    if target.unavailable():
        pytest.skip("needs AVX2")
    with (tmp_path / "log").open("w+") as log:
        completed = subprocess.run(
            [sys.executable, "-c", code, cap or ""],
            env=os.environ | target.environment(),
            stdout=log,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
        log.seek(0)
        lines = log.read().splitlines()
    assert words in completed.stderr
    assert completed.stderr.strip() != "does not say"
    assert lines[-1] == "silent from here"
    assert not [line for line in lines[: lines.index("silent from here")] if "exec" in line and "convolution" in line][
        1:
    ]


def test_libraries_that_cannot_be_capped_are_reported_as_such() -> None:
    facts = instruction_sets(Target("edge", "avx2"), ["ncnn", "openvino"])
    assert facts["isa ncnn"] == "not capped by the harness: no setting of ncnn is known"
    assert "ONEDNN_MAX_CPU_ISA" in facts["isa openvino"]
    assert "isa ncnn" not in instruction_sets(Target("edge"), ["ncnn"])
