"""The timed part of a session: which attempt takes which round, when processes are restarted, and when it ends.

Processes are simulated: they only report how long a step took, so that a session of a minute takes almost no time.
"""

from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from bench.core.case import Case
from bench.core.record import THREADS_THAT_RAN, Check
from bench.run.attempt import Attempt
from bench.run.protocol import Reply
from bench.run.session import MIN_PROCESSES, MIN_ROUNDS, MIN_SLOW_ROUNDS, _Rounds
from bench.run.stopping import MIN_PROCESSES_TO_STOP
from bench.stats.latencies import session_ratio

RIGHT = Check(passed=True).model_dump()
ROUND_S = 0.007


class Simulated:
    """A process of an implementation: its rounds take ``round_s``, and its calls ``call_ns`` apart from noise."""

    def __init__(self, call_ns, round_s, noise, prepare_s):
        self.call_ns, self.round_s, self.noise, self.prepare_s = call_ns, round_s, noise, prepare_s
        self.random = Random(f"{call_ns} {round_s}")

    def ask(self, step, **_):
        mean = self.call_ns * self.random.lognormvariate(0, self.noise)
        result, seconds = {
            "prepare": ({"prepare_s": self.prepare_s, "work": None}, self.prepare_s),
            "measure_memory": ({"peak_bytes": 1, "prepared_bytes": 2}, 0.0),
            "check": (RIGHT, 0.0),
            "warm_up": ({"plan": {"calls_per_sample": 1}, "held_bytes": 5}, 0.0),
            "round": (
                dict.fromkeys(("off_cpu", "disturbed", "throttled", "launch_bound"))
                | {"samples": [mean], "calls": 1, "held_bytes": 5},
                self.round_s,
            ),
            "recheck": ({"facts": {THREADS_THAT_RAN: "1"}, "check": RIGHT}, 0.0),
        }[step]
        return Reply(result=result, seconds=seconds)

    def end(self):
        pass


class Simulation:
    """Stands for the workers of a session, with one simulated process for each implementation."""

    target, scratch, restarts = "edge", Path("nowhere"), True

    def __init__(self, **processes):
        self.processes = processes

    def start_runner(self, spec, workload_source, cores):
        return self.processes[spec.name]

    def in_parallel(self, step, items):
        for item in items:
            step(item, (0,))

    def rounds(self, budget_s):
        """Take the rounds of a session; return why it stopped, and the implementations' attempts by name."""
        workload = SimpleNamespace(seed_parameter=None, uses_artifacts=False, evaluates=False, baseline="baseline")
        session = SimpleNamespace(case=Case(), workload=workload)
        attempts = {
            name: Attempt(SimpleNamespace(name=name, workload="conv"), session, self, (0,)) for name in self.processes
        }
        self.in_parallel(Attempt.examine, attempts.values())
        stopped = _Rounds(session, list(attempts.values()), budget_s, self, lambda text: None).take()
        return stopped, attempts


def process(call_ns=1e6, round_s=ROUND_S, noise=0.002, prepare_s=0.05):
    return Simulated(call_ns, round_s, noise, prepare_s)


def round_numbers(attempt):
    return {each for process in attempt.processes for each in process.round_numbers}


def test_a_session_ends_as_soon_as_every_estimate_is_precise():
    stopped, attempts = Simulation(baseline=process(), other=process(1.02e6)).rounds(60)
    assert stopped == "precise"
    assert all(len(attempt.processes) >= MIN_PROCESSES_TO_STOP for attempt in attempts.values())
    assert all(attempt.timed_s < 2 for attempt in attempts.values())


def test_a_noisy_session_ends_when_the_budget_does():
    stopped, attempts = Simulation(baseline=process(), other=process(noise=0.5)).rounds(4)
    assert stopped == "budget"
    assert all(2 <= attempt.timed_s < 2.5 for attempt in attempts.values())


def test_starting_processes_takes_at_most_about_as_long_as_timing():
    _, attempts = Simulation(baseline=process(noise=0.5), other=process(noise=0.5, prepare_s=0.4)).rounds(20)
    cheap, expensive = attempts["baseline"], attempts["other"]
    assert len(expensive.processes) < len(cheap.processes)
    assert len(expensive.processes) * 0.4 < 2 * expensive.timed_s


@pytest.mark.parametrize("round_s", [0.07, 0.14, 0.3])
def test_slow_implementations_are_timed_in_the_same_rounds(round_s):
    _, attempts = Simulation(
        baseline=process(20e6, 0.1), slow=process(23e6, round_s), fast=process(noise=0.1), faster=process(noise=0.1)
    ).rounds(16)
    rounds = sorted((round_numbers(attempts["baseline"]), round_numbers(attempts["slow"])), key=len)
    assert len(rounds[0] & rounds[1]) > 0.9 * len(rounds[0])
    assert len(attempts["baseline"].processes) >= MIN_PROCESSES
    ratio = session_ratio(attempts["slow"].latency(None), attempts["baseline"].latency(None))
    assert ratio.low < 1.15 < ratio.high < 1.2


def test_a_slow_implementation_leaves_others_their_rounds():
    _, attempts = Simulation(baseline=process(noise=0.5), slow=process(1e9, 1.0)).rounds(8)
    assert len(round_numbers(attempts["baseline"])) >= 4 / ROUND_S
    assert attempts["slow"].timed_s < 60


@pytest.mark.parametrize("round_s", [3.0, 15.0])
def test_a_very_slow_implementation_gets_no_more_rounds_than_its_processes_need(round_s):
    others = {f"fast{index}": process(noise=0.5) for index in range(8)}
    _, attempts = Simulation(baseline=process(noise=0.5), slow=process(round_s * 1e9, round_s), **others).rounds(8)
    slow = attempts["slow"]
    assert len(slow.processes) >= MIN_PROCESSES
    assert slow.round_count <= (MIN_SLOW_ROUNDS + MIN_PROCESSES if 20 * round_s >= 60 else MIN_ROUNDS + MIN_PROCESSES)
