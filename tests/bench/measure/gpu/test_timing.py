"""The GPU's work is timed however long the host takes to submit it; samples where that fails are counted."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from bench.measure.gpu.timing import MAX_CALLS, ROUND_NS, SAMPLE_NS, Timer, plan_round
from bench.measure.latency import SAMPLES, Round

Gpu = Any  # SimulatedGpu of conftest.py


class SimulatedWatch:
    """A watch that sees the given values, one in each look, and then no throttling."""

    def __init__(self, gpu: Gpu, *throttled: bool | None) -> None:
        self.gpu, self.throttled = gpu, list(throttled)
        self.looked_while_busy: list[bool] = []

    def look(self) -> bool | None:
        self.gpu.now += 100e3  # A look takes time.
        self.looked_while_busy.append(self.gpu.busy_until > self.gpu.now)
        return self.throttled.pop(0) if self.throttled else False

    def look_for_others(self) -> None:
        self.looked_while_busy.append(self.gpu.busy_until > self.gpu.now)


def take_round(gpu: Gpu, call: Callable[[], Any], *, cold: bool = False) -> tuple[Timer, Round]:
    timer = Timer(gpu, SimulatedWatch(gpu), cold)
    timer.warm_up(call)
    gpu.operations.clear()
    return timer, timer.take_round(call)


@pytest.mark.parametrize(("work_ns", "submit_ns"), [(3e3, 8e3), (3e3, 100e3), (50e3, 8e3), (3e6, 8e3), (80e6, 8e3)])
def test_the_work_is_timed_however_long_submitting_takes(gpu: Gpu, work_ns: float, submit_ns: float) -> None:
    _, taken = take_round(gpu, lambda: gpu.call(work_ns, submit_ns=submit_ns))
    assert taken.samples == pytest.approx([work_ns] * len(taken.samples))
    assert taken.launch_bound == 0
    assert taken.off_cpu is None, "nobody looked whether the host kept its core: it does not matter here"


def test_cold_samples_are_single_calls_after_a_flush(gpu: Gpu) -> None:
    timer, taken = take_round(gpu, lambda: gpu.call(10e3, cold_ns=25e3), cold=True)
    assert taken.samples == pytest.approx([25e3] * len(taken.samples))
    timed = gpu.operations[gpu.operations.index("flush") - 1 :]
    assert timed == ["block_stream", "flush", "record_event", "call", "record_event"] * timer.plan.samples


def test_hot_samples_find_the_cache_as_the_call_before_left_it(gpu: Gpu) -> None:
    _, taken = take_round(gpu, lambda: gpu.call(10e3, cold_ns=25e3))
    assert taken.samples == pytest.approx([10e3] * len(taken.samples))
    assert "flush" not in gpu.operations


def test_calls_that_wait_for_the_gpu_are_launch_bound_and_soon_no_longer_blocked_for(gpu: Gpu) -> None:
    def synchronous_call() -> None:
        gpu.call(5e3)
        gpu.finish()

    timer, taken = take_round(gpu, synchronous_call)
    assert taken.launch_bound == len(taken.samples)
    for _ in range(6):
        timer.take_round(synchronous_call)
    gpu.operations.clear()
    taken = timer.take_round(synchronous_call)
    assert "block_stream" not in gpu.operations
    assert taken.launch_bound == len(taken.samples)
    assert taken.samples == pytest.approx([13e3] * len(taken.samples), rel=0.1), "asking and working, by turns"


def test_the_stream_is_blocked_for_longer_when_the_host_becomes_slow(gpu: Gpu) -> None:
    submit_ns = 8e3
    timer, taken = take_round(gpu, lambda: gpu.call(3e3, submit_ns=submit_ns))
    assert taken.launch_bound == 0
    submit_ns = 40e3
    assert timer.take_round(lambda: gpu.call(3e3, submit_ns=submit_ns)).launch_bound
    for _ in range(4):
        taken = timer.take_round(lambda: gpu.call(3e3, submit_ns=submit_ns))
    assert taken.launch_bound == 0
    assert taken.samples == pytest.approx([3e3] * len(taken.samples))


@pytest.mark.parametrize(
    ("looks", "throttled"),
    [([False] * 8, False), ([False, True], True), ([None, True], True), ([None, False], False), ([None] * 8, None)],
)
def test_the_clock_is_checked_while_the_gpu_works(gpu: Gpu, looks: list[bool | None], throttled: bool | None) -> None:
    watch = SimulatedWatch(gpu, *looks)
    timer = Timer(gpu, watch, cold=False)
    timer.warm_up(lambda: gpu.call(50e3))
    assert timer.plan.samples == 32
    assert timer.take_round(lambda: gpu.call(50e3)).throttled is throttled
    assert watch.looked_while_busy == [True] * 9, "every fourth sample, and once for others"


def test_the_time_of_an_empty_sample_is_a_fact(gpu: Gpu) -> None:
    record_event = gpu.record_event
    gpu.record_event = lambda: (gpu.work("event", 700), record_event())[1]
    timer, _ = take_round(gpu, lambda: gpu.call(50e3))
    assert timer.facts() == {"a GPU sample of no calls": "700 ns"}


def test_calls_per_sample_follow_from_the_gpus_time_even_if_submitting_takes_longer(gpu: Gpu) -> None:
    timer, _ = take_round(gpu, lambda: gpu.call(10e3, submit_ns=60e3))
    assert timer.plan.calls_per_sample == 20, "calls of 10 us to a sample of 200"
    assert timer.plan.block_ns >= 1.5 * 20 * 60e3


def test_a_single_delay_of_the_host_is_counted_and_changes_nothing(gpu: Gpu) -> None:
    timer, _ = take_round(gpu, lambda: gpu.call(50e3))
    calls = iter(range(10**6))
    assert timer.take_round(lambda: gpu.call(50e3, submit_ns=20e6 if next(calls) == 70 else 8e3)).launch_bound == 1
    gpu.operations.clear()
    began = gpu.now
    assert timer.take_round(lambda: gpu.call(50e3)).launch_bound == 0
    assert gpu.now - began < 30e6


def test_outputs_are_freed_before_the_next_call_and_the_collector_is_off_meanwhile(gpu: Gpu) -> None:
    class Output:
        pass

    alive: list[weakref.ref[Output]] = []

    def call() -> Output:
        gpu.call(1e6)
        assert timed is False or not gc.isenabled()
        assert not alive or alive.pop()() is None
        output = Output()
        alive.append(weakref.ref(output))
        return output

    timed = False
    timer = Timer(gpu, SimulatedWatch(gpu), cold=False)
    timer.warm_up(call)
    timed = True
    timer.take_round(call)


def test_the_last_output_is_kept_and_the_collector_is_enabled_again(gpu: Gpu) -> None:
    calls = []

    def counting() -> int:
        gpu.call(1e6)
        calls.append(None)
        return len(calls)

    timer, taken = take_round(gpu, counting)
    assert taken.output == len(calls)

    def failing() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        timer.take_round(failing)
    assert gc.isenabled()


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("submit_ns", [2e3, 300e3])
@pytest.mark.parametrize("call_ns", [1e3, 2e4, 4e5, 3e6, 2e7, 4e8])
def test_rounds_are_about_twenty_milliseconds(call_ns: float, submit_ns: float, cold: bool) -> None:
    plan = plan_round(call_ns, submit_ns, cold)
    assert 1 <= plan.samples <= SAMPLES
    assert plan.calls_per_sample * call_ns >= SAMPLE_NS or cold or plan.calls_per_sample == MAX_CALLS
    assert plan.calls_per_sample <= MAX_CALLS
    sample = plan.calls_per_sample * call_ns + plan.block_ns
    assert plan.block_ns >= 1.5 * plan.calls_per_sample * submit_ns + 10e3
    assert plan.untimed * call_ns >= 1e6 or plan.untimed == MAX_CALLS
    assert plan.samples * sample <= max(1.5 * ROUND_NS, sample)
