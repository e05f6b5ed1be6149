"""Latency on a GPU, by its own clock: how long its work takes, not how long it takes to ask for it.

A sample is some calls between two marks, all asked for while the GPU is held busy by something else. Whether it still
was once the last had been asked for is looked at each time, and counted where it was not.
"""

import gc
import time
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

from bench.core.workload import Call
from bench.measure.gpu.device import Device, Mark
from bench.measure.gpu.watch import Watch
from bench.measure.latency import SAMPLES, TURN_NS, Turn, warm_up

SAMPLE_NS = 200e3
"""Calls behind a sample: so many that the resolution of marks is under 1 % of it."""
MOST_CALLS = 100
"""At once, since a GPU's queue holds about a thousand launches, and a call may be several."""
UNTIMED_NS = 2e6
"""At the start of a turn, for what others did to clocks and caches."""
ASK_SHARE, ASK_SPARE_NS = 1.5, 20e3
"""The GPU is held busy for so many times what asking for a sample takes, and a little more."""
OFTEN = 0.25
"""Of a turn's samples, that the GPU was not held busy long enough for: then it is held for longer."""
SAMPLES_BETWEEN_LOOKS = 4
MOST_HOLD = 10.0
"""Times what asking for a sample takes: where even that is not enough, the calls wait for the GPU themselves."""


@dataclass(frozen=True)
class GpuTurnPlan:
    """``untimed`` calls, then ``samples`` of ``inner`` calls each; before each the GPU is held busy for ``hold_ns``."""

    untimed: int
    samples: int
    inner: int
    hold_ns: float


def plan_turn(call_ns: float, ask_ns: float, cold: bool) -> GpuTurnPlan:
    """For a call that takes the GPU ``call_ns``, and the host ``ask_ns`` to ask for; one call a sample where cold."""
    inner = 1 if cold else min(MOST_CALLS, max(1, ceil(SAMPLE_NS / call_ns)))
    hold = ASK_SHARE * inner * ask_ns + ASK_SPARE_NS
    samples = max(1, min(SAMPLES, round(TURN_NS / (inner * call_ns + hold))))
    untimed = max(1, min(MOST_CALLS, round(UNTIMED_NS / call_ns)))
    return GpuTurnPlan(untimed, samples, inner, hold)


class Timer:
    """Times calls on one device; ``cold`` with its cache emptied before each."""

    plan: GpuTurnPlan

    def __init__(self, device: Device, watch: Watch, cold: bool) -> None:
        self._device, self._watch, self._cold = device, watch, cold
        self._hold_ns = self._nothing_ns = 0.0

    def warm_up(self, call: Call) -> int:
        """Call until the start-up trend is gone, and plan the turns; returns the calls behind each sample."""

        def whole() -> None:
            call()
            self._device.finish()

        settled = warm_up(whole)
        self._nothing_ns = self._time_of_nothing()
        count = max(1, min(10, round(1e6 / settled)))
        self._device.hold(3 * count * settled)  # surely longer than it takes to ask for them
        before, began = self._device.mark(), time.perf_counter_ns()
        for _ in range(count):
            call()
        ask_ns, after = (time.perf_counter_ns() - began) / count, self._device.mark()
        self._device.finish()
        self.plan = plan_turn(max(1.0, after.since(before) / count), ask_ns, self._cold)
        self._hold_ns = self.plan.hold_ns
        return self.plan.inner

    def take_turn(self, call: Call) -> Turn:
        """One turn, with the garbage collector off. The GPU is looked at while busy, and marks once all is done."""
        answer, spans, exposed, looks = None, [], 0, []
        gc.disable()
        try:
            for _ in range(self.plan.untimed):
                call()
            for place in range(self.plan.samples):
                answer = None  # so that its memory is free again
                span, answer, late = self._sample(call)
                spans.append(span)
                exposed += late
                if place % SAMPLES_BETWEEN_LOOKS == 0:
                    looks.append(self._watch.look())
            self._watch.look_for_others()
            self._device.finish()
        finally:
            gc.enable()
        if exposed > OFTEN * self.plan.samples:
            self._hold_longer()
        samples = [after.since(before) / self.plan.inner for before, after in spans]
        return Turn(samples, answer, throttled=_any(looks), exposed=exposed)

    def facts(self) -> dict[str, str]:
        """What each sample has in it besides its calls."""
        return {"a GPU sample of no calls": f"{self._nothing_ns:.0f} ns"}

    def _time_of_nothing(self) -> float:
        """Between two marks, ns."""
        self._device.hold(1e6)
        spans = [(self._device.mark(), self._device.mark()) for _ in range(20)]
        self._device.finish()
        return median(after.since(before) for before, after in spans)

    def _sample(self, call: Call) -> tuple[tuple[Mark, Mark], Any, bool]:
        """Its two marks, the last answer, and whether the GPU was there before all had been asked for."""
        if self._hold_ns:
            self._device.hold(self._hold_ns)
        if self._cold:
            self._device.flush()
        before = self._device.mark()
        for _ in range(self.plan.inner - 1):
            call()
        answer = call()
        after = self._device.mark()
        return (before, after), answer, before.reached()

    def _hold_longer(self) -> None:
        """From now on; not at all where calls cannot be asked for in advance, since holding then only costs time."""
        enough = self._hold_ns < MOST_HOLD * self.plan.hold_ns
        self._hold_ns = 2 * self._hold_ns if enough else 0.0


def _any(looks: list[bool | None]) -> bool | None:
    """Whether any saw it; None where none could see."""
    seen = [look for look in looks if look is not None]
    return any(seen) if seen else None
