"""Latency: warm-up, the size of a turn, and the turn itself."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil
from statistics import median
from typing import Any

from bench.core.workload import Call

TURN_NS = 20e6
"""How long an implementation is at its turn: long beside the hand-over, short beside the machine's drift."""
SAMPLES = 32
"""Samples a turn at most: enough for a robust median of the turn."""
TIMER_SHARE = 0.01
UNTIMED_SHARE = 0.05
"""Of a turn, for filling the caches that others have emptied."""
LONG_CALL_NS = 50e6
"""Calls longer than this refill the caches themselves: no untimed call is spent before them."""


@dataclass(frozen=True)
class TurnPlan:
    """``untimed`` calls to refill the caches that others have emptied, then ``samples`` of ``inner`` calls each."""

    untimed: int
    samples: int
    inner: int


@dataclass(frozen=True)
class Turn:
    samples: list[float]
    """ns a call."""
    answer: Any
    """What the last timed call returned."""
    preempted: bool | None = None
    """The calling thread was off its core for over 5 % of the turn: preempted, or waiting for others."""
    throttled: bool | None = None
    """A GPU held its clock down, for its temperature or its power. None: no GPU, or it does not tell."""
    exposed: int | None = None
    """Samples in which a GPU may have waited for the host. None: no GPU."""


def warm_up(call: Call, least_s: float = 0.05, most_s: float = 1.0) -> float:
    """Call until the start-up trend is gone; returns the settled latency in ns.

    Settled: the last five calls' median is no more than 2 % below that of the five before them.
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
            return max(1.0, median(times[-5:]))


def plan_turn(call_ns: float) -> TurnPlan:
    """The turn for a call of this latency: about TURN_NS, reading the clock for under 1 % of it."""
    for_timer = timer_cost_ns() / (TIMER_SHARE * call_ns)
    for_samples = TURN_NS / (SAMPLES * call_ns)
    inner = max(1, ceil(max(for_timer, for_samples))) if call_ns < TURN_NS / SAMPLES else max(1, ceil(for_timer))
    samples = max(1, min(SAMPLES, round(TURN_NS / (inner * call_ns))))
    untimed = 0 if call_ns > LONG_CALL_NS else max(1, round(UNTIMED_SHARE * TURN_NS / call_ns))
    return TurnPlan(untimed, samples, inner)


def take_turn(call: Call, plan: TurnPlan) -> Turn:
    """One turn, with the garbage collector off."""
    gc.disable()
    try:
        for _ in range(plan.untimed):
            call()
        wall, on_core = time.perf_counter_ns(), time.thread_time_ns()
        samples = [_timed(call, plan.inner) for _ in range(plan.samples - 1)]
        last, answer = _timed_and_kept(call, plan.inner)
        wall, on_core = time.perf_counter_ns() - wall, time.thread_time_ns() - on_core
    finally:
        gc.enable()
    return Turn([*samples, last], answer, preempted=on_core < 0.95 * wall)


def _timed(call: Call, inner: int) -> float:
    repeats = range(inner)
    began = time.perf_counter_ns()
    for _ in repeats:
        call()
    return (time.perf_counter_ns() - began) / inner


def _timed_and_kept(call: Call, inner: int) -> tuple[float, Any]:
    """As ``_timed``, keeping the last answer. For one sample a turn: a kept answer's memory is not there for reuse."""
    repeats = range(inner - 1)
    began = time.perf_counter_ns()
    for _ in repeats:
        call()
    answer = call()
    return (time.perf_counter_ns() - began) / inner, answer


@cache
def timer_cost_ns() -> float:
    """What reading the clock adds to a sample, ns."""
    clock: Callable[[], int] = time.perf_counter_ns
    return median(-(clock() - clock()) for _ in range(1000))
