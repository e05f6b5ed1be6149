"""What is timed is the GPU's work, however long the host takes to ask for it; where it is not, that is told."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from bench.measure.gpu.timing import MOST_CALLS, SAMPLE_NS, Timer, plan_turn
from bench.measure.latency import SAMPLES, TURN_NS, Turn

Gpu = Any  # the simulated one of conftest.py


class Quiet:
    """A watch that sees what it is told to, look by look, and then nothing."""

    def __init__(self, gpu: Gpu, *sees: bool | None) -> None:
        self.gpu, self.sees = gpu, list(sees)
        self.looked_while_busy: list[bool] = []

    def look(self) -> bool | None:
        self.gpu.now += 100e3  # which takes its time
        self.looked_while_busy.append(self.gpu.busy_until > self.gpu.now)
        return self.sees.pop(0) if self.sees else False

    def look_for_others(self) -> None:
        self.looked_while_busy.append(self.gpu.busy_until > self.gpu.now)


def turn_of(gpu: Gpu, call: Callable[[], Any], *, cold: bool = False) -> tuple[Timer, Turn]:
    timer = Timer(gpu, Quiet(gpu), cold)
    timer.warm_up(call)
    gpu.asked.clear()
    return timer, timer.take_turn(call)


@pytest.mark.parametrize(("work_ns", "ask_ns"), [(3e3, 8e3), (3e3, 100e3), (50e3, 8e3), (3e6, 8e3), (80e6, 8e3)])
def test_the_time_of_the_work_is_found_whatever_asking_takes(gpu: Gpu, work_ns: float, ask_ns: float) -> None:
    _, turn = turn_of(gpu, lambda: gpu.call(work_ns, ask_ns=ask_ns))
    assert turn.samples == pytest.approx([work_ns] * len(turn.samples))
    assert turn.exposed == 0
    assert turn.preempted is None, "nobody looked whether the host kept its core: it does not matter here"


def test_cold_samples_are_of_one_call_each_after_a_flush(gpu: Gpu) -> None:
    timer, turn = turn_of(gpu, lambda: gpu.call(10e3, cold_ns=25e3), cold=True)
    assert turn.samples == pytest.approx([25e3] * len(turn.samples))
    timed = gpu.asked[gpu.asked.index("flush") - 1 :]
    assert timed == ["hold", "flush", "mark", "call", "mark"] * timer.plan.samples


def test_hot_samples_find_the_cache_as_the_call_before_left_it(gpu: Gpu) -> None:
    _, turn = turn_of(gpu, lambda: gpu.call(10e3, cold_ns=25e3))
    assert turn.samples == pytest.approx([10e3] * len(turn.samples))
    assert "flush" not in gpu.asked


def test_calls_that_wait_for_the_gpu_are_told_and_soon_no_longer_held_for(gpu: Gpu) -> None:
    def waiting() -> None:
        gpu.call(5e3)
        gpu.finish()

    timer, turn = turn_of(gpu, waiting)
    assert turn.exposed == len(turn.samples)
    for _ in range(6):
        timer.take_turn(waiting)
    gpu.asked.clear()
    turn = timer.take_turn(waiting)
    assert "hold" not in gpu.asked
    assert turn.exposed == len(turn.samples)
    assert turn.samples == pytest.approx([13e3] * len(turn.samples), rel=0.1), "asking and working, by turns"


def test_a_host_that_becomes_slow_is_held_for_longer(gpu: Gpu) -> None:
    ask = 8e3
    timer, turn = turn_of(gpu, lambda: gpu.call(3e3, ask_ns=ask))
    assert turn.exposed == 0
    ask = 40e3
    assert timer.take_turn(lambda: gpu.call(3e3, ask_ns=ask)).exposed
    for _ in range(4):
        turn = timer.take_turn(lambda: gpu.call(3e3, ask_ns=ask))
    assert turn.exposed == 0
    assert turn.samples == pytest.approx([3e3] * len(turn.samples))


@pytest.mark.parametrize(
    ("sees", "throttled"),
    [([False] * 8, False), ([False, True], True), ([None, True], True), ([None, False], False), ([None] * 8, None)],
)
def test_the_clock_is_looked_at_while_the_gpu_works(gpu: Gpu, sees: list[bool | None], throttled: bool | None) -> None:
    watch = Quiet(gpu, *sees)
    timer = Timer(gpu, watch, cold=False)
    timer.warm_up(lambda: gpu.call(50e3))
    assert timer.plan.samples == 32
    assert timer.take_turn(lambda: gpu.call(50e3)).throttled is throttled
    assert watch.looked_while_busy == [True] * 9, "every fourth sample, and once for others"


def test_what_a_sample_has_in_it_besides_its_calls_is_told(gpu: Gpu) -> None:
    mark = gpu.mark
    gpu.mark = lambda: (gpu.work("event", 700), mark())[1]
    timer, _ = turn_of(gpu, lambda: gpu.call(50e3))
    assert timer.facts() == {"a GPU sample of no calls": "700 ns"}


def test_calls_are_sized_by_the_gpus_time_even_where_asking_takes_longer(gpu: Gpu) -> None:
    timer, _ = turn_of(gpu, lambda: gpu.call(10e3, ask_ns=60e3))
    assert timer.plan.inner == 20, "calls of 10 us to a sample of 200"
    assert timer.plan.hold_ns >= 1.5 * 20 * 60e3


def test_one_hiccup_of_the_host_is_counted_and_changes_nothing(gpu: Gpu) -> None:
    timer, _ = turn_of(gpu, lambda: gpu.call(50e3))
    calls = iter(range(10**6))
    assert timer.take_turn(lambda: gpu.call(50e3, ask_ns=20e6 if next(calls) == 70 else 8e3)).exposed == 1
    gpu.asked.clear()
    began = gpu.now
    assert timer.take_turn(lambda: gpu.call(50e3)).exposed == 0
    assert gpu.now - began < 30e6


def test_answers_are_let_go_of_before_the_next_and_nothing_is_collected_meanwhile(gpu: Gpu) -> None:
    class Answer:
        pass

    alive: list[weakref.ref[Answer]] = []

    def call() -> Answer:
        gpu.call(1e6)
        assert timed is False or not gc.isenabled()
        assert not alive or alive.pop()() is None
        answer = Answer()
        alive.append(weakref.ref(answer))
        return answer

    timed = False
    timer = Timer(gpu, Quiet(gpu), cold=False)
    timer.warm_up(call)
    timed = True
    timer.take_turn(call)


def test_the_last_answer_is_kept_and_the_collector_comes_back(gpu: Gpu) -> None:
    calls = []

    def counting() -> int:
        gpu.call(1e6)
        calls.append(None)
        return len(calls)

    timer, turn = turn_of(gpu, counting)
    assert turn.answer == len(calls)

    def failing() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        timer.take_turn(failing)
    assert gc.isenabled()


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("ask_ns", [2e3, 300e3])
@pytest.mark.parametrize("call_ns", [1e3, 2e4, 4e5, 3e6, 2e7, 4e8])
def test_turns_are_about_twenty_milliseconds(call_ns: float, ask_ns: float, cold: bool) -> None:
    plan = plan_turn(call_ns, ask_ns, cold)
    assert 1 <= plan.samples <= SAMPLES
    assert plan.inner * call_ns >= SAMPLE_NS or cold or plan.inner == MOST_CALLS
    assert plan.inner <= MOST_CALLS
    sample = plan.inner * call_ns + plan.hold_ns
    assert plan.hold_ns >= 1.5 * plan.inner * ask_ns + 10e3
    assert plan.untimed * call_ns >= 1e6 or plan.untimed == MOST_CALLS
    assert plan.samples * sample <= max(1.5 * TURN_NS, sample)
