"""Latency: warm-up, the size of a round, and the round itself."""

import gc
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil
from statistics import median
from typing import Any, NamedTuple

from bench.core.workload import Call

ROUND_NS = 5e6
"""Time for which an implementation is timed in a round, ns: long compared with the hand-over, and short compared with
disturbances such as a neighbour on the same physical core of a shared machine, which last for 10 to 100 ms."""
SAMPLES = 32
"""The most samples in a round, so that slow calls show among them."""
TIMER_SHARE = 0.01
"""The largest share of a sample that reading the clock may take."""
UNTIMED_NS = 2e6
"""Length of the untimed calls before a round, ns: calls are slower until caches that others emptied are refilled."""
LONG_CALL_NS = 50e6
"""Calls longer than this, ns, refill the caches themselves: no untimed call is made before them."""


@dataclass(frozen=True)
class RoundPlan:
    """The size of a round: ``samples`` of ``calls_per_sample`` calls each."""

    untimed_ns: float
    """The least time of untimed calls before a round, ns, to refill caches that others emptied; 0: no such calls."""
    samples: int
    calls_per_sample: int


@dataclass(frozen=True)
class Round:
    """What was measured in one round."""

    samples: list[float]
    """Latencies, ns a call."""
    calls: int
    """Number of calls made, untimed ones included."""
    output: Any
    """The output of the last timed call."""
    off_cpu: bool | None = None
    """Whether the calling thread was off its core for over 5 % of the round: preempted, or waiting."""
    disturbed: bool | None = None
    """Whether other processes had the core for over 5 % of the round, by the kernel's counts; None: not recorded."""
    throttled: bool | None = None
    """Whether a GPU throttled its clock, for its temperature or its power; None: no GPU, or not reported."""
    launch_bound: int | None = None
    """Number of samples in which a GPU may have waited for the host; None: no GPU."""


def warm_up(call: Call, least_s: float = 0.05, most_s: float = 1.0) -> float:
    """Call until the start-up trend is gone; return the settled latency, ns.

    The latency has settled when the median of the last five calls is no more than 2 % below that of the five before.
    """
    start = time.perf_counter()
    times: list[int] = []
    while True:
        began = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - began)
        elapsed = time.perf_counter() - start
        settled = len(times) >= 10 and median(times[-5:]) > 0.98 * median(times[-10:-5])
        if elapsed > most_s or (settled and elapsed > least_s):
            return max(1.0, _undisturbed(times[len(times) // 2 :]))


def _undisturbed(times: list[int]) -> float:
    """Return the time of an uninterrupted call: a low quantile of the measured times."""
    return float(sorted(times)[len(times) // 10])


def plan_round(call_ns: float) -> RoundPlan:
    """Plan rounds for a call of this latency: up to SAMPLES samples, under 1 % of their time for reading the clock."""
    for_timer, for_samples = timer_cost_ns() / (TIMER_SHARE * call_ns), ROUND_NS / (SAMPLES * call_ns)
    untimed = 0.0 if call_ns > LONG_CALL_NS else UNTIMED_NS
    calls = max(1, ceil(max(for_timer, for_samples if for_samples > 1 else 0)))
    return RoundPlan(untimed, max(1, round(ROUND_NS / (calls * call_ns))), calls)


def take_round(call: Call, plan: RoundPlan) -> Round:
    """Take one round, with the garbage collector off.

    A round has a fixed number of calls, not a fixed time: otherwise a round with slow calls would have fewer calls, and
    each slow call would count for more.
    """
    gc.disable()
    try:
        untimed = _call_for(call, plan.untimed_ns)
        before = _Clocks.read()
        samples = [_timed(call, plan.calls_per_sample) for _ in range(plan.samples - 1)]
        last, output = _timed_with_output(call, plan.calls_per_sample)
        spent = _Clocks.read().since(before)
    finally:
        gc.enable()
    samples.append(last)
    calls = untimed + len(samples) * plan.calls_per_sample
    return Round(samples, calls, output, off_cpu=spent.off_cpu, disturbed=spent.disturbed)


def _call_for(call: Call, least_ns: float) -> int:
    """Call until ``least_ns`` have passed, not at all where it is 0; return the number of calls."""
    count, end = 0, time.perf_counter_ns() + least_ns
    while least_ns and (count == 0 or time.perf_counter_ns() < end):
        call()
        count += 1
    return count


class _Clocks(NamedTuple):
    """Clock readings in ns, and this thread's involuntary context switches."""

    wall: int
    thread: int
    process: int
    involuntary_switches: int

    @classmethod
    def read(cls) -> "_Clocks":
        involuntary_switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw
        return cls(time.perf_counter_ns(), time.thread_time_ns(), time.process_time_ns(), involuntary_switches)

    def since(self, before: "_Clocks") -> "_Clocks":
        return _Clocks(*(now - then for now, then in zip(self, before, strict=True)))

    @property
    def off_cpu(self) -> bool:
        return self.thread < 0.95 * self.wall

    @property
    def disturbed(self) -> bool:
        """Whether other processes had the core: the thread was preempted, and its own process did not use the time."""
        return self.involuntary_switches > 0 and self.process < 0.95 * self.wall


def _timed(call: Call, calls_per_sample: int) -> float:
    repeats = range(calls_per_sample)
    began = time.perf_counter_ns()
    for _ in repeats:
        call()
    return (time.perf_counter_ns() - began) / calls_per_sample


def _timed_with_output(call: Call, calls_per_sample: int) -> tuple[float, Any]:
    """Like ``_timed``, and return the last output. For one sample a round only, as its memory cannot be reused."""
    repeats = range(calls_per_sample - 1)
    began = time.perf_counter_ns()
    for _ in repeats:
        call()
    output = call()
    return (time.perf_counter_ns() - began) / calls_per_sample, output


@cache
def timer_cost_ns() -> float:
    """Return what reading the clock adds to a sample, ns."""
    clock: Callable[[], int] = time.perf_counter_ns
    return median(-(clock() - clock()) for _ in range(1000))
