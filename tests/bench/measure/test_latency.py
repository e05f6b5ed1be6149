"""Rounds last equally long whatever the call, and the timer takes little of that time."""

import time
from collections.abc import Callable

import pytest

from bench.measure.latency import (
    LONG_CALL_NS,
    ROUND_NS,
    SAMPLES,
    UNTIMED_NS,
    RoundPlan,
    plan_round,
    take_round,
    timer_cost_ns,
    warm_up,
)


def busy_call(seconds: float) -> Callable[[], None]:
    def call() -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    return call


@pytest.mark.parametrize("call_ns", [30.0, 1e3, 2e4, 4e5, 3e6, 2e7, 4e8])
def test_there_are_enough_samples_and_the_timer_takes_under_one_percent(call_ns: float) -> None:
    plan = plan_round(call_ns)
    sample_ns = plan.calls_per_sample * call_ns
    assert timer_cost_ns() <= 0.0101 * sample_ns
    assert sample_ns <= 2 * max(call_ns, ROUND_NS / SAMPLES)
    assert sample_ns >= min(ROUND_NS / SAMPLES, call_ns)


def test_caches_are_filled_before_a_round_except_for_very_long_calls() -> None:
    assert plan_round(1e3).untimed_ns == plan_round(2e7).untimed_ns == UNTIMED_NS
    assert plan_round(2 * LONG_CALL_NS).untimed_ns == 0


@pytest.mark.parametrize("call_s", [2e-5, 4e-4, 2e-3])
def test_a_round_lasts_for_its_planned_time(call_s: float) -> None:
    plan = plan_round(1e9 * call_s)
    call = busy_call(call_s)
    taken = take_round(call, plan)
    timed = sum(taken.samples) * plan.calls_per_sample
    assert timed >= 0.45 * ROUND_NS, "also where the last sample of those that fit was a slow one"
    assert all(sample >= 1e9 * call_s for sample in taken.samples)
    assert taken.calls >= len(taken.samples) * plan.calls_per_sample + 1, "and untimed ones"


def test_a_call_longer_than_a_round_is_timed_once() -> None:
    taken = take_round(busy_call(2e-9 * ROUND_NS), RoundPlan(untimed_ns=0.0, samples=1, calls_per_sample=1))
    assert (len(taken.samples), taken.calls) == (1, 1)


def test_a_round_keeps_its_last_output_and_counts_all_calls() -> None:
    calls = iter(range(10**9))

    def call() -> int:
        time.sleep(5e-4)
        return next(calls)

    taken = take_round(call, plan_round(5e5))
    assert taken.output == taken.calls - 1


def test_a_round_off_its_core_counts_as_preempted() -> None:
    assert take_round(lambda: time.sleep(0.002), plan_round(2e6)).off_cpu


def test_warm_up_continues_while_calls_get_faster() -> None:
    """Each of the first 30 calls is shorter than the one before; the returned latency is that of the later calls."""
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        time.sleep(max(0.001, 0.03 - 0.001 * calls))

    latency_ns = warm_up(call, least_s=0.0, most_s=10.0)
    assert calls > 30
    assert latency_ns < 0.01 * 1e9
