"""Whatever happens to an implementation costs its own record, never the run nor a neighbour.

Each accident is a plug-in file in tests/bench/accidents. Many share a run here, each in its own worker process.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from bench.core.record import Record, Status
from bench.run.launch import Outcome, Silent
from bench.run.workers import Allowance

CRASHED, FAILED, INCORRECT = Status.CRASHED, Status.FAILED, Status.INCORRECT
NO_MEMORY, TIMEOUT, UNSUPPORTED, PASSED = Status.OUT_OF_MEMORY, Status.TIMEOUT, Status.UNSUPPORTED, Status.PASSED

Measure = Callable[..., Outcome]
RecordOf = Callable[[Outcome, str], Record]


class Accident(NamedTuple):
    name: str
    status: Status
    reason: str = ""
    """What a user must be able to read in the record's reason."""


ACCIDENTS = [
    Accident("segfaults_on_import", CRASHED, "died of SIGSEGV during 'load'"),
    Accident("segfaults_in_call", CRASHED, "died of SIGSEGV during 'weigh'"),
    Accident("segfaults_while_timed", CRASHED, "died of SIGSEGV during 'turn'"),
    Accident("aborts_in_call", CRASHED, "died of SIGABRT during 'weigh'"),
    Accident("exits_in_call", CRASHED, "exited with status 7 during 'weigh'"),
    Accident("leaves_a_grandchild", CRASHED, "exited with status 7 during 'weigh'"),
    Accident("garbles_its_replies", CRASHED, "its answer to 'weigh' cannot be read"),
    Accident("grows_until_refused", NO_MEMORY, "MemoryError: Unable to allocate 8.00 MiB"),
    Accident("asks_for_a_huge_array", NO_MEMORY, "MemoryError: Unable to allocate 32.0 TiB"),
    Accident("throws_bad_alloc", NO_MEMORY, "std::bad_alloc, during 'weigh'"),
    Accident("raises_on_import", FAILED, "load: ImportError: libfast.so.3: cannot open shared object file"),
    Accident("exits_on_import", FAILED, "load: SystemExit: set FAST_HOME first"),
    Accident("holds_no_implementation", FAILED, "must define one complete Implementation, not 0"),
    Accident("syntax_error", FAILED, "load: SyntaxError: '(' was never closed (syntax_error.py, line 1)"),
    Accident("null_bytes", FAILED, "null bytes"),
    Accident("raises_in_supports", FAILED, "prepare: KeyError: 'strides'"),
    Accident("raises_in_prepare", FAILED, "prepare: RuntimeError: no kernel for this shape"),
    Accident("raises_in_call", FAILED, "weigh: RuntimeError: the kernel could not start"),
    Accident("exits_politely_in_call", FAILED, "weigh: SystemExit: 3"),
    Accident("raises_while_timed", FAILED, "turn: RuntimeError: the queue is full"),
    Accident("answers_nan", INCORRECT, "1 of the answer's 34992 values are NaN or infinite"),
    Accident("answers_none", INCORRECT, "the answer's shape is (), not (1, 48, 27, 27)"),
    Accident("answers_with_its_input", INCORRECT, "above the tolerance of 0.0001"),
    Accident("answers_wrong_dtype", INCORRECT, "the answer's dtype is float16, not float32"),
    Accident("answers_wrong_shape", INCORRECT, "the answer's shape is (1, 48, 26, 27), not (1, 48, 27, 27)"),
    Accident("fills_half_of_its_buffer", INCORRECT, "above the tolerance of 0.0001"),
    Accident("fills_in_what_changed", INCORRECT, "34992 of the answer's 34992 values are NaN or infinite"),
    Accident("knows_only_prepared_inputs", INCORRECT, "above the tolerance of 0.0001"),
    Accident("remembers_its_first_answer", INCORRECT, "above the tolerance of 0.0001"),
    Accident("wrong_once_timed", INCORRECT, "above the tolerance of 0.0001"),
    Accident("wrong_only_while_timed", INCORRECT, "above the tolerance of 0.0001"),
    Accident("rounds_the_weights", INCORRECT, "it writes to its inputs: weight changed"),
    Accident("writes_to_its_input", INCORRECT, "it writes to its inputs: x changed"),
    Accident("writes_to_its_input_while_timed", INCORRECT, "it writes to its inputs: x changed"),
    Accident("needs_what_is_not_installed", UNSUPPORTED, "pip install featherbench-no-such-distribution"),
    Accident("supports_nothing", UNSUPPORTED, "only kernels of 11 x 11"),
    Accident("prints_garbage", PASSED),
    Accident("reads_stdin", PASSED),
    Accident("segfaults_when_dropped", PASSED),
    Accident("numpy", PASSED),
]
HANGS = [
    Accident("hangs_on_import", TIMEOUT, "no answer to 'load' within 6 s"),
    Accident("hangs_in_prepare", TIMEOUT, "no answer to 'prepare' within 6 s"),
    Accident("hangs_in_call", TIMEOUT, "no answer to 'weigh' within 6 s"),
    Accident("hangs_while_timed", TIMEOUT, "no answer to 'turn' within 6 s"),
]
LIKE_ITS_LIBRARY = """
import numpy
from impls.grouped_conv2d.im2col import Im2col

class NamedLikeItsLibrary(Im2col):
    workload = "grouped_conv2d"
    requires = ("numpy",)

assert numpy.ndarray  # not this very file
"""


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Accidents that cannot lie about as files: linters would stumble over them."""
    folder = tmp_path_factory.mktemp("accidents")
    sources = {"syntax_error": "print(", "null_bytes": "\0", "numpy": LIKE_ITS_LIBRARY}
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return {name: folder / f"{name}.py" for name in sources}


@pytest.fixture(scope="session")
def together(measure: Measure, written: dict[str, Path]) -> Outcome:
    return measure([written.get(name, name) for name, *_ in ACCIDENTS], Allowance(timeout_s=60, memory_bytes=512 << 20))


@pytest.fixture(scope="session")
def hanging(measure: Measure) -> Outcome:
    return measure([name for name, *_ in HANGS], Allowance(timeout_s=6))


@pytest.mark.parametrize("accident", ACCIDENTS, ids=lambda accident: accident.name)
def test_an_accident_costs_one_record(accident: Accident, together: Outcome, record_of: RecordOf) -> None:
    record = record_of(together, accident.name)
    assert (record.status, accident.reason in record.reason) == (accident.status, True), record.reason


@pytest.mark.parametrize("hang", HANGS, ids=lambda hang: hang.name)
def test_a_hang_ends_at_the_time_limit(hang: Accident, hanging: Outcome, record_of: RecordOf) -> None:
    record = record_of(hanging, hang.name)
    assert (record.status, record.reason) == (TIMEOUT, hang.reason)


@pytest.mark.parametrize("run", ["together", "hanging"])
def test_the_neighbour_is_measured_as_ever(run: str, request: pytest.FixtureRequest, record_of: RecordOf) -> None:
    record = record_of(request.getfixturevalue(run), "im2col")
    assert record.status is PASSED
    assert record.check is not None
    assert record.latency is not None
    assert record.memory is not None
    assert record.check.error is not None
    assert record.check.error <= 1e-4
    assert len(record.latency.turns) >= 10
    assert all(len(turn) == len(record.latency.turns[0]) > 0 for turn in record.latency.turns)
    assert 0 < record.latency.low <= record.latency.median <= record.latency.high
    assert record.memory.peak_bytes > 0


def test_every_accident_file_is_tested() -> None:
    files = {path.stem for path in Path(__file__).parents[1].glob("accidents/*.py")}
    elsewhere = {name for name in files if name.startswith("weighs_")} | {"burns_cpu_in_background"}
    assert files - elsewhere <= {accident.name for accident in [*ACCIDENTS, *HANGS]}


def test_no_process_is_left_behind(together: Outcome, hanging: Outcome) -> None:
    """Also no grandchild: of all accidents, one left such."""
    assert processes_of_workers() == []


def test_what_was_printed_is_in_the_log(together: Outcome) -> None:
    log = (together.run.folder / "logs" / "grouped_conv2d-prints_garbage.log").read_text()
    assert "garbage\n" in log
    assert '"reason": "garbage"' in log


def test_waiting_workers_burn_no_cpu(measure: Measure, record_of: RecordOf) -> None:
    """Between turns every thread of every worker is stopped, also one that would never rest by itself."""
    watcher = ThreadStates()
    outcome = measure(["burns_cpu_in_background"], display=watcher)
    record = record_of(outcome, "burns_cpu_in_background")
    assert record.status is PASSED
    assert int(record.facts["threads that ran"]) >= 2, "it did burn when it was its turn"
    assert all(len(states) >= 3 for states in watcher.seen), "two workers, one of them with two threads"
    assert set().union(*watcher.seen) == {"T"}


class ThreadStates(Silent):
    """Looks at the threads of all workers between rounds, when none of them is asked anything."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    def step(self, text: str) -> None:
        if not text.startswith("round"):
            return
        deadline = time.monotonic() + 10  # The kernel may take a moment to stop a thread on another core.
        states = thread_states()
        while set(states) - {"T"} and time.monotonic() < deadline:
            states = thread_states()
        self.seen.append(states)


def thread_states() -> list[str]:
    """One letter a thread, as proc_pid_stat(5) has them: R running, S sleeping, T stopped."""
    threads = [thread for process in processes_of_workers() for thread in Path(f"/proc/{process.pid}/task").iterdir()]
    return [(thread / "stat").read_text().rpartition(")")[2].split()[0] for thread in threads]


def processes_of_workers() -> Sequence[psutil.Process]:
    """Worker processes of this test process, and whatever they have forked."""
    mark = ["-m", "bench.run.worker", str(os.getpid())]
    return [process for process in psutil.process_iter(["cmdline"]) if (process.info["cmdline"] or [])[2:5] == mark]
