"""Latency on a GPU, by its own clock: how long its work takes, not how long it takes to submit it.

A sample is some calls between two events, all submitted while a kernel blocks the stream. A sample whose stream
was no longer blocked when its last call was submitted counts as launch-bound.
"""

import gc
import time
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

from bench.core.workload import Call
from bench.measure.gpu.device import Device, Event
from bench.measure.gpu.watch import Watch
from bench.measure.latency import SAMPLES, Round, warm_up

ROUND_NS = 20e6
"""Length of a round: a GPU has no neighbours, and its clock changes slowly."""
SAMPLE_NS = 200e3
"""A sample has enough calls to last this long, so that the resolution of events is under 1 % of it."""
MAX_CALLS = 100
"""The most calls submitted at once: a GPU's queue holds about a thousand launches, and a call may be several."""
UNTIMED_NS = 2e6
"""Length of the untimed calls at the start of a round, which undo what others did to clocks and caches."""
BLOCK_FACTOR, BLOCK_SPARE_NS = 1.5, 20e3
"""The stream is blocked for this many times as long as submitting a sample takes, and a little more."""
LAUNCH_BOUND_FRACTION = 0.25
"""Block the stream for longer when more than this fraction of a round's samples is launch-bound."""
SAMPLES_BETWEEN_LOOKS = 4
MAX_BLOCK_FACTOR = 10.0
"""The most that a block may grow by. Where even that is not enough, the calls wait for the GPU themselves."""


@dataclass(frozen=True)
class GpuRoundPlan:
    """``untimed`` calls, then ``samples`` of ``calls_per_sample`` calls each.

    Before each sample the stream is blocked for ``block_ns``.
    """

    untimed: int
    samples: int
    calls_per_sample: int
    block_ns: float


def plan_round(call_ns: float, submit_ns: float, cold: bool) -> GpuRoundPlan:
    """Plan rounds of a call that takes the GPU ``call_ns`` and the host ``submit_ns`` to submit.

    A sample is a single call where ``cold``.
    """
    calls_per_sample = 1 if cold else min(MAX_CALLS, max(1, ceil(SAMPLE_NS / call_ns)))
    block_ns = BLOCK_FACTOR * calls_per_sample * submit_ns + BLOCK_SPARE_NS
    samples = max(1, min(SAMPLES, round(ROUND_NS / (calls_per_sample * call_ns + block_ns))))
    untimed = max(1, min(MAX_CALLS, round(UNTIMED_NS / call_ns)))
    return GpuRoundPlan(untimed, samples, calls_per_sample, block_ns)


class Timer:
    """Times calls on one device; ``cold`` with its cache emptied before each."""

    plan: GpuRoundPlan

    def __init__(self, device: Device, watch: Watch, cold: bool) -> None:
        self._device, self._watch, self._cold = device, watch, cold
        self._block_ns = self._empty_sample_ns = 0.0

    def warm_up(self, call: Call) -> GpuRoundPlan:
        """Call until the start-up trend is gone, and plan the rounds."""

        def complete_call() -> None:
            call()
            self._device.finish()

        settled_ns = warm_up(complete_call)
        self._empty_sample_ns = self._time_empty_sample()
        count = max(1, min(10, round(1e6 / settled_ns)))
        self._device.block_stream(3 * count * settled_ns)  # surely longer than it takes to submit them
        before, began = self._device.record_event(), time.perf_counter_ns()
        for _ in range(count):
            call()
        submit_ns, after = (time.perf_counter_ns() - began) / count, self._device.record_event()
        self._device.finish()
        self.plan = plan_round(max(1.0, after.since(before) / count), submit_ns, self._cold)
        self._block_ns = self.plan.block_ns
        return self.plan

    def take_round(self, call: Call) -> Round:
        """Take one round, with the garbage collector off.

        The watch looks while the GPU is busy; events are read once all is done.
        """
        output, spans, launch_bound, looks = None, [], 0, []
        gc.disable()
        try:
            for _ in range(self.plan.untimed):
                call()
            for index in range(self.plan.samples):
                output = None  # so that its memory is free again
                span, output, was_launch_bound = self._sample(call)
                spans.append(span)
                launch_bound += was_launch_bound
                if index % SAMPLES_BETWEEN_LOOKS == 0:
                    looks.append(self._watch.look())
            self._watch.look_for_others()
            self._device.finish()
        finally:
            gc.enable()
        if launch_bound > LAUNCH_BOUND_FRACTION * self.plan.samples:
            self._block_longer()
        samples = [after.since(before) / self.plan.calls_per_sample for before, after in spans]
        calls = self.plan.untimed + self.plan.samples * self.plan.calls_per_sample
        return Round(samples, calls, output, throttled=_any_known(looks), launch_bound=launch_bound)

    def facts(self) -> dict[str, str]:
        """Return the time that each sample contains besides its calls."""
        return {"a GPU sample of no calls": f"{self._empty_sample_ns:.0f} ns"}

    def _time_empty_sample(self) -> float:
        """Return the time between two events with nothing in between, ns."""
        self._device.block_stream(1e6)
        spans = [(self._device.record_event(), self._device.record_event()) for _ in range(20)]
        self._device.finish()
        return median(after.since(before) for before, after in spans)

    def _sample(self, call: Call) -> tuple[tuple[Event, Event], Any, bool]:
        """Take one sample; return its two events, the last output, and whether it was launch-bound.

        It was if the GPU reached the first event before all calls were submitted.
        """
        if self._block_ns:
            self._device.block_stream(self._block_ns)
        if self._cold:
            self._device.flush()
        before = self._device.record_event()
        for _ in range(self.plan.calls_per_sample - 1):
            call()
        output = call()
        after = self._device.record_event()
        return (before, after), output, before.reached()

    def _block_longer(self) -> None:
        """Double the block from now on; drop it where calls cannot be submitted ahead: it would only cost time."""
        enough = self._block_ns < MAX_BLOCK_FACTOR * self.plan.block_ns
        self._block_ns = 2 * self._block_ns if enough else 0.0


def _any_known(looks: list[bool | None]) -> bool | None:
    """Whether any look was true; None where none could tell."""
    known = [look for look in looks if look is not None]
    return any(known) if known else None
