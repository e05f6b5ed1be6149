"""Turns are sized so that the timer costs little and rounds stay short."""

import time

import pytest

from bench.measure.latency import SAMPLES, TURN_NS, UNTIMED_SHARE, plan_turn, take_turn, timer_cost_ns, warm_up


@pytest.mark.parametrize("call_ns", [30.0, 1e3, 2e4, 4e5, 3e6, 2e7, 4e8])
def test_a_turn_is_about_twenty_milliseconds_and_the_timer_under_one_percent_of_it(call_ns: float) -> None:
    plan = plan_turn(call_ns)
    timed = plan.samples * plan.inner * call_ns
    assert timer_cost_ns() <= 0.0101 * plan.inner * call_ns
    assert 1 <= plan.samples <= SAMPLES
    assert timed <= max(2 * TURN_NS, call_ns)
    assert timed >= 0.4 * TURN_NS


def test_short_calls_are_preceded_by_untimed_ones_and_very_long_ones_are_not() -> None:
    assert plan_turn(1e3).untimed * 1e3 == pytest.approx(UNTIMED_SHARE * TURN_NS)
    assert plan_turn(2e7).untimed == 1
    assert plan_turn(4e8).untimed == 0


def test_samples_are_nanoseconds_a_call() -> None:
    plan = plan_turn(2e6)
    turn = take_turn(lambda: time.sleep(0.002), plan)
    assert len(turn.samples) == plan.samples
    assert all(2e6 <= sample < 1e9 for sample in turn.samples)


def test_a_turn_keeps_its_last_answer() -> None:
    calls = iter(range(10**9))
    plan = plan_turn(2e6)
    turn = take_turn(lambda: next(calls), plan)
    assert turn.answer == plan.untimed + plan.samples * plan.inner - 1


def test_a_turn_off_its_core_counts_as_preempted() -> None:
    assert take_turn(lambda: time.sleep(0.002), plan_turn(2e6)).preempted


def test_warm_up_goes_on_while_calls_get_faster() -> None:
    """The first 30 calls sleep ever less; the settled latency is that of the calls after them."""
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        time.sleep(max(0.001, 0.03 - 0.001 * calls))

    settled = warm_up(call, least_s=0.0, most_s=10.0)
    assert calls > 30
    assert settled < 0.01 * 1e9
