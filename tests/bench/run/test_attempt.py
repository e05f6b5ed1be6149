"""One implementation goes through a session, with processes that return fixed replies to its steps."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.core.case import Case
from bench.core.record import THREADS_THAT_RAN, Check, Status
from bench.run.attempt import Attempt
from bench.run.protocol import Reply

CORES = (0,)
RIGHT = Check(passed=True).model_dump()
WRONG = Check(passed=False, reason="wrong").model_dump()
NO_MEMORY = Reply(status=Status.OUT_OF_MEMORY, reason="CUDA out of memory", seconds=0.0)
ROUND = {
    "samples": [2.0, 4.0],
    "calls": 3,
    "off_cpu": None,
    "disturbed": None,
    "throttled": None,
    "launch_bound": None,
    "held_bytes": 7,
}


class RunnerPool:
    """Starts no process, returns fixed replies, and records the requests."""

    target = "edge"
    scratch = Path("nowhere")

    def __init__(self, restarts=True, **replies):
        self.restarts = restarts
        self.replies = {
            "prepare": {"prepare_s": 0.1, "work": None},
            "measure_memory": {"peak_bytes": 1, "prepared_bytes": 2},
            "check": RIGHT,
            "warm_up": {"plan": {"calls_per_sample": 1}, "held_bytes": 5},
            "round": ROUND,
            "recheck": {"facts": {THREADS_THAT_RAN: "1"}, "check": RIGHT},
            "conclude": {"facts": {"numpy": "2"}, "check": RIGHT},
        } | replies
        self.requests, self.files = [], []

    def start_runner(self, spec, workload_source, cores):
        self.requests.append("start_runner")
        return self

    def ask(self, step, **arguments):
        self.requests.append(step)
        self.files += [arguments[name] for name in ("keep", "kept") if name in arguments]
        reply = self.replies[step]
        return reply if isinstance(reply, Reply) else Reply(result=reply, seconds=0.0)

    def end(self):
        self.requests.append("end")


def make_attempt(pool):
    session = SimpleNamespace(
        case=Case(), workload=SimpleNamespace(seed_parameter=None, uses_artifacts=False, evaluates=False)
    )
    return Attempt(SimpleNamespace(name="one", workload="conv"), session, pool, CORES)


def finished_attempt(process_count, pool):
    """Return an attempt that was timed in two rounds of each process, and checked again at the end."""
    attempt = make_attempt(pool)
    attempt.examine(CORES)
    for index in range(process_count):
        attempt.restart(CORES)
        attempt.warm_up()
        attempt.take_round(2 * index + 1)
        attempt.take_round(2 * index + 2)
    attempt.finish()
    return attempt


@pytest.mark.parametrize(
    ("replies", "status", "last"),
    [
        ({"measure_memory": NO_MEMORY}, Status.OUT_OF_MEMORY, "measure_memory"),
        ({"check": WRONG}, Status.INCORRECT, "check"),
    ],
)
@pytest.mark.parametrize("restarts", [True, False])
def test_an_attempt_that_fails_ends_its_process_at_once(replies, status, last, restarts):
    pool = RunnerPool(restarts, **replies)
    attempt = make_attempt(pool)
    attempt.examine(CORES)
    attempt.finish()
    assert attempt.status is status
    assert pool.requests[-2:] == [last, "end"], "and only once"


EXAMINED = ["start_runner", "prepare", "measure_memory", "check"]


def test_every_process_is_prepared_and_its_output_checked():
    pool = RunnerPool()
    attempt = finished_attempt(2, pool)
    restarted = ["start_runner", "prepare", "warm_up", "round", "round", "recheck"]
    assert pool.requests == [*EXAMINED, "end", *restarted, "end", *restarted, "conclude", "end"]
    assert pool.files == ["nowhere/conv-one.npz"] * 3, "its checked output, with which each process's is compared"
    assert attempt.facts == {"numpy": "2", THREADS_THAT_RAN: "1"}
    assert [process.round_numbers for process in attempt.processes] == [[1, 2], [3, 4]]
    assert [process.held for process in attempt.processes] == [[5, 7, 7]] * 2


def test_a_single_process_is_examined_timed_and_ended():
    pool = RunnerPool(restarts=False)
    attempt = finished_attempt(1, pool)
    assert pool.requests == [*EXAMINED, "warm_up", "round", "round", "recheck", "conclude", "end"]
    assert pool.files == [None, None], "it is compared with the reference"
    assert attempt.status is Status.PASSED


def test_an_implementation_that_takes_long_to_prepare_is_prepared_once():
    pool = RunnerPool(prepare={"prepare_s": 40.0, "work": None})
    attempt = finished_attempt(1, pool)
    assert not attempt.restartable
    assert pool.requests.count("prepare") == 1


def test_the_largest_thread_count_of_any_process_is_recorded():
    pool = RunnerPool()
    counts = iter("132")
    ask = pool.ask

    def ask_with_counts(step, **arguments):
        if step == "recheck":
            pool.replies["recheck"] = {"facts": {THREADS_THAT_RAN: next(counts)}, "check": RIGHT}
        return ask(step, **arguments)

    pool.ask = ask_with_counts
    assert finished_attempt(3, pool).facts[THREADS_THAT_RAN] == "3"


def test_an_output_that_was_wrong_while_timed_ends_the_attempt():
    pool = RunnerPool(recheck={"facts": {THREADS_THAT_RAN: "1"}, "check": WRONG})
    attempt = finished_attempt(3, pool)
    assert (attempt.status, attempt.reason) == (Status.INCORRECT, "wrong")
    assert pool.requests.count("start_runner") == 2, "the examined one and the first timed one"
    assert pool.requests[-1] == "end"


def test_disturbances_are_counted_where_they_could_be_observed():
    observations = [(None, True, 0), (None, None, 2), (None, False, 1), (None, True, 0)]
    attempt = finished_attempt(1, RunnerPool())
    (process,) = attempt.processes
    names = ("off_cpu", "throttled", "launch_bound")
    process.rounds = [ROUND | dict(zip(names, values, strict=True)) for values in observations]
    process.round_numbers = [1, 2, 3, 4]
    latency = attempt.latency("budget")
    assert (latency.throttled, latency.launch_bound, latency.off_cpu) == ([0, 3], 3, None)
    process.rounds = [ROUND | {"off_cpu": True, "disturbed": False}, ROUND | {"off_cpu": False, "disturbed": True}]
    process.round_numbers = [1, 2]
    latency = attempt.latency("budget")
    assert (latency.throttled, latency.launch_bound) == (None, None)
    assert (latency.off_cpu, latency.disturbed) == (1, [1])
