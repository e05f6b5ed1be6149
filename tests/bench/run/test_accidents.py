"""Whatever happens to an implementation costs only its own record, never the run nor another implementation.

Each accident is a plug-in file in tests/bench/accidents. Many share a run, each in its own worker processes.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from bench.core.budget import Budget
from bench.core.record import Record, Status
from bench.measure.finished import UNFINISHED
from bench.run.launch import Outcome, Silent

CRASHED, FAILED, INCORRECT = Status.CRASHED, Status.FAILED, Status.INCORRECT
NO_MEMORY, TIMEOUT, UNSUPPORTED, PASSED = Status.OUT_OF_MEMORY, Status.TIMEOUT, Status.UNSUPPORTED, Status.PASSED

MIB = 1 << 20

Measure = Callable[..., Outcome]
RecordOf = Callable[[Outcome, str], Record]


class Accident(NamedTuple):
    name: str
    status: Status
    reason: str = ""
    """Text that the record's reason must contain."""


ACCIDENTS = [
    Accident("segfaults_on_import", CRASHED, "died of SIGSEGV during 'load'"),
    Accident("segfaults_in_call", CRASHED, "died of SIGSEGV during 'measure_memory'"),
    Accident("segfaults_while_timed", CRASHED, "died of SIGSEGV during 'round'"),
    Accident("aborts_in_call", CRASHED, "died of SIGABRT during 'measure_memory'"),
    Accident("exits_in_call", CRASHED, "exited with status 7 during 'measure_memory'"),
    Accident("leaves_a_grandchild", CRASHED, "exited with status 7 during 'measure_memory'"),
    Accident("garbles_its_replies", CRASHED, "its reply to 'measure_memory' cannot be read"),
    Accident("grows_until_refused", NO_MEMORY, "MemoryError: Unable to allocate 8.00 MiB"),
    Accident("asks_for_a_huge_array", NO_MEMORY, "MemoryError: Unable to allocate 32.0 TiB"),
    Accident("throws_bad_alloc", NO_MEMORY, "std::bad_alloc, during 'measure_memory'"),
    Accident("raises_on_import", FAILED, "load: ImportError: libfast.so.3: cannot open shared object file"),
    Accident("exits_on_import", FAILED, "load: SystemExit: set FAST_HOME first"),
    Accident("holds_no_implementation", FAILED, "must define one complete Implementation, not 0"),
    Accident("syntax_error", FAILED, "load: SyntaxError: '(' was never closed (syntax_error.py, line 1)"),
    Accident("null_bytes", FAILED, "null bytes"),
    Accident("raises_in_unsupported", FAILED, "prepare: KeyError: 'strides'"),
    Accident("raises_in_prepare", FAILED, "prepare: RuntimeError: no kernel for this shape"),
    Accident("prepares_nothing", FAILED, "prepare returned None, not a callable: return the function to measure"),
    Accident("prepares_its_output", FAILED, "prepare returned ndarray, not a callable"),
    Accident("raises_in_call", FAILED, "measure_memory: RuntimeError: the kernel could not start"),
    Accident("exits_politely_in_call", FAILED, "measure_memory: SystemExit: 3"),
    Accident("raises_while_timed", FAILED, "round: RuntimeError: the queue is full"),
    Accident("leaves_its_core", FAILED, "warm_up: its calls let their thread run on cores"),
    Accident("returns_nan", INCORRECT, "1 of the output's 34992 values are NaN or infinite"),
    Accident("returns_none", INCORRECT, "the output's shape is (), not (1, 48, 27, 27)"),
    Accident("returns_its_input", INCORRECT, "above the tolerance of 0.0001"),
    Accident("returns_the_wrong_dtype", INCORRECT, "the output's dtype is float16, not float32"),
    Accident("returns_the_wrong_shape", INCORRECT, "the output's shape is (1, 48, 26, 27), not (1, 48, 27, 27)"),
    Accident("fills_half_of_its_buffer", INCORRECT, "above the tolerance of 0.0001"),
    Accident("fills_in_what_changed", INCORRECT, "34992 of the output's 34992 values are NaN or infinite"),
    Accident("knows_only_prepared_inputs", INCORRECT, "the output is right for earlier inputs"),
    Accident("remembers_its_first_output", INCORRECT, "does the call read problem.inputs anew?"),
    Accident("wrong_once_timed", INCORRECT, "above the tolerance of 0.0001"),
    Accident("wrong_only_while_timed", INCORRECT, "above the tolerance of 0.0001"),
    Accident("rounds_the_weights", INCORRECT, "it writes to its inputs: weight changed"),
    Accident("writes_to_its_input", INCORRECT, "it writes to its inputs: x changed"),
    Accident("writes_to_its_input_while_timed", INCORRECT, "it writes to its inputs: x changed"),
    Accident("returns_a_future", INCORRECT, "the call returned a Future: wait for it in the call"),
    Accident("returns_a_coroutine", INCORRECT, "the call returned a coroutine: wait for it in the call"),
    Accident("returns_a_generator", INCORRECT, "the call returned a generator: compute in the call"),
    Accident("returns_a_lazy_tensor", INCORRECT, "the call returned a Lazy, a subclass of torch.Tensor"),
    Accident("computes_on_a_lazy_device", INCORRECT, "the call returned a tensor on device lazy"),
    Accident("fills_its_buffer_later", INCORRECT, UNFINISHED),
    Accident("fills_its_buffer_at_once", INCORRECT, UNFINISHED),
    Accident("fills_its_buffer_in_a_child", INCORRECT, UNFINISHED),
    Accident("leaves_work_in_a_thread", INCORRECT, "after its calls had returned, other threads or processes used"),
    Accident("leaves_work_in_a_child", INCORRECT, "after its calls had returned, other threads or processes used"),
    Accident("needs_what_is_not_installed", UNSUPPORTED, "pip install featherbench-no-such-distribution"),
    Accident("supports_nothing", UNSUPPORTED, "only kernels of 11 x 11"),
    Accident("computes_in_array", PASSED),
    Accident("computes_in_dlpack", PASSED),
    Accident("computes_in_a_child", PASSED),
    Accident("keeps_memory", PASSED),
    Accident("keeps_a_little_memory", PASSED),
    Accident("prints_garbage", PASSED),
    Accident("reads_stdin", PASSED),
    Accident("segfaults_when_dropped", PASSED),
    Accident("numpy", PASSED),
]
HANGS = [
    Accident("hangs_on_import", TIMEOUT, "no reply to 'load' within 4 s"),
    Accident("hangs_in_prepare", TIMEOUT, "no reply to 'prepare' within 4 s"),
    Accident("hangs_in_call", TIMEOUT, "no reply to 'measure_memory' within 4 s"),
    Accident("hangs_while_timed", TIMEOUT, "no reply to 'round' within 4 s"),
]
LIKE_ITS_LIBRARY = """
import numpy
from impls.grouped_conv2d.im2col import Im2col

class NamedLikeItsLibrary(Im2col):
    workload = "grouped_conv2d"
    requires = ("numpy",)

assert numpy.ndarray  # not this file
"""


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write the accidents that are not kept as files because linters would fail on them; return their paths by name."""
    folder = tmp_path_factory.mktemp("accidents")
    sources = {"syntax_error": "print(", "null_bytes": "\0", "numpy": LIKE_ITS_LIBRARY}
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return {name: folder / f"{name}.py" for name in sources}


@pytest.fixture(scope="session")
def together(measure: Measure, generated: dict[str, Path]) -> Outcome:
    return measure(
        [generated.get(name, name) for name, *_ in ACCIDENTS],
        Budget(timed_s=0.1, timeout_s=60, memory_bytes=512 << 20),
    )


@pytest.fixture(scope="session")
def hanging(measure: Measure) -> Outcome:
    return measure([name for name, *_ in HANGS], Budget(timed_s=0.1, timeout_s=4))


@pytest.mark.parametrize("accident", ACCIDENTS, ids=lambda accident: accident.name)
def test_an_accident_costs_one_record(accident: Accident, together: Outcome, record_of: RecordOf) -> None:
    record = record_of(together, accident.name)
    assert (record.status, accident.reason in record.reason) == (accident.status, True), record.reason


@pytest.mark.parametrize("hang", HANGS, ids=lambda hang: hang.name)
def test_a_hang_ends_at_the_time_limit(hang: Accident, hanging: Outcome, record_of: RecordOf) -> None:
    record = record_of(hanging, hang.name)
    assert (record.status, record.reason) == (TIMEOUT, hang.reason)


@pytest.mark.parametrize("run", ["together", "hanging"])
def test_the_other_implementation_is_measured_as_ever(
    run: str, request: pytest.FixtureRequest, record_of: RecordOf
) -> None:
    record = record_of(request.getfixturevalue(run), "im2col")
    assert record.status is PASSED
    assert record.check is not None
    assert record.latency is not None
    assert record.memory is not None
    assert record.check.error is not None
    assert record.check.error <= 1e-4
    assert len(record.latency.rounds) >= 10
    assert all(samples for samples in record.latency.rounds)
    assert 0 < record.latency.low <= record.latency.estimate <= record.latency.high
    assert record.memory.peak_bytes > 0


@pytest.mark.parametrize("name", ["computes_in_array", "computes_in_dlpack", "computes_in_a_child"])
def test_outputs_that_are_computed_late_are_waited_for(name: str, together: Outcome, record_of: RecordOf) -> None:
    """The latency includes the computation, which is im2col's, and its memory is measured."""
    record, im2col = record_of(together, name), record_of(together, "im2col")
    assert record.latency is not None
    assert im2col.latency is not None
    assert record.memory is not None
    assert im2col.memory is not None
    assert record.latency.estimate > im2col.latency.estimate / 2
    peak = 64 * MIB if name == "computes_in_a_child" else im2col.memory.peak_bytes
    assert record.memory.peak_bytes == pytest.approx(peak, rel=0.03, abs=64 << 10)


@pytest.mark.parametrize(("name", "kept"), [("keeps_memory", MIB), ("keeps_a_little_memory", 4 << 10), ("im2col", 0)])
def test_memory_that_every_call_leaks_is_measured(name: str, kept: int, together: Outcome, record_of: RecordOf) -> None:
    memory = record_of(together, name).memory
    assert memory is not None
    assert memory.growth_bytes == pytest.approx(kept, rel=0.1)


def test_a_speed_that_the_machine_cannot_reach_is_not_reported(measure: Measure, record_of: RecordOf) -> None:
    outcome = measure(["returns_from_a_cache"], case="kernel=5")
    record = record_of(outcome, "returns_from_a_cache")
    assert (record.status, record.latency) == (Status.IMPLAUSIBLE, None)
    assert "does every call compute its output anew?" in record.reason
    assert record_of(outcome, "im2col").status is PASSED


def test_a_slow_implementation_leaves_others_their_rounds(measure: Measure, record_of: RecordOf) -> None:
    outcome = measure(["is_slow"], Budget(timed_s=1.0))
    fast, slow = record_of(outcome, "im2col").latency, record_of(outcome, "is_slow").latency
    assert fast is not None
    assert slow is not None
    assert len(fast.rounds) >= 30
    assert len(set(fast.processes)) >= 4
    assert len(slow.rounds) >= 3
    assert slow.estimate > 1e8


def test_every_accident_file_is_tested() -> None:
    files = {path.stem for path in Path(__file__).parents[1].glob("accidents/*.py")}
    in_their_own_runs = {"burns_cpu_in_background", "returns_from_a_cache", "is_slow"}
    in_another_file = {name for name in files if name.startswith("takes_")} | {"needs_other_releases"}
    tested_elsewhere = in_another_file | in_their_own_runs
    assert files - tested_elsewhere <= {accident.name for accident in [*ACCIDENTS, *HANGS]}


def test_no_process_is_left_behind(together: Outcome, hanging: Outcome) -> None:
    """This includes grandchildren: one accident leaves one."""
    assert worker_processes() == []


def test_what_was_printed_is_in_the_log(together: Outcome) -> None:
    log = (together.run.folder / "logs" / "grouped_conv2d-prints_garbage.log").read_text()
    assert "garbage\n" in log
    assert '"reason": "garbage"' in log


def test_waiting_workers_burn_no_cpu(measure: Measure, record_of: RecordOf) -> None:
    """Between rounds every thread of every worker is stopped, including one that would never rest by itself."""
    recorder = ThreadStateRecorder()
    outcome = measure(["burns_cpu_in_background"], display=recorder)
    record = record_of(outcome, "burns_cpu_in_background")
    assert record.status is PASSED
    assert int(record.facts["threads that ran"]) >= 2, "it did burn when it was timed"
    assert all(len(states) >= 3 for states in recorder.states), "two workers, one of them with two threads"
    assert set().union(*recorder.states) == {"T"}


class ThreadStateRecorder(Silent):
    """Records the states of all workers' threads between rounds, when no worker handles a request."""

    def __init__(self) -> None:
        self.states: list[list[str]] = []

    def step(self, text: str) -> None:
        if not text.startswith("round"):
            return
        deadline = time.monotonic() + 10  # The kernel may take a moment to stop a thread on another core.
        states = thread_states()
        while set(states) - {"T"} and time.monotonic() < deadline:
            states = thread_states()
        self.states.append(states)


def thread_states() -> list[str]:
    """Return one letter per thread as in proc_pid_stat(5): R for running, S for sleeping, T for stopped."""
    threads = [thread for process in worker_processes() for thread in Path(f"/proc/{process.pid}/task").iterdir()]
    return [(thread / "stat").read_text().rpartition(")")[2].split()[0] for thread in threads]


def worker_processes() -> Sequence[psutil.Process]:
    """Return the worker processes of this test process, and their forks."""
    worker = ["-m", "bench.run.worker", str(os.getpid())]
    return [process for process in psutil.process_iter(["cmdline"]) if (process.info["cmdline"] or [])[2:5] == worker]
