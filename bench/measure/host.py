"""Measures memory and time of calls on the host."""

import random
from dataclasses import asdict
from typing import Any

from bench.core.workload import Call, Problem
from bench.measure import latency, memory

REWARM_S = 0.01
"""The shortest warm-up where the size of rounds is given, s: the start-up trend is gone sooner."""

MAX_OFFSET, MAX_OFFSET_NS = 64, 40e6
"""The most calls that a process makes before its first round, and the longest they may take, ns."""


class HostMeter:
    """A ``Meter`` for calls that are done when they return."""

    plan: latency.RoundPlan

    def allow_memory(self, extra_bytes: int) -> None:
        memory.allow(extra_bytes)

    def to_device(self, problem: Problem) -> Problem:
        return problem.aligned()

    def adapt(self, call: Call) -> Call:
        return call

    def finish(self) -> None:
        pass

    def release_memory(self) -> None:
        memory.release_memory()

    def held_bytes(self) -> int:
        return memory.private_bytes()

    def driver_bytes(self) -> None:
        return None

    def peak_of(self, call: Call) -> int:
        return memory.peak_of(call)

    def warm_up(self, call: Call, plan: dict[str, Any] | None = None) -> dict[str, Any]:
        if plan is None:
            self.plan = latency.plan_round(latency.warm_up(call))
        else:
            call_ns = latency.warm_up(call, least_s=REWARM_S)
            self.plan = latency.RoundPlan(**plan)
            # A random number of calls, so that a cost recurring every n-th call does not fall into the rounds of all
            # processes, or of none.
            for _ in range(random.randrange(1 + min(MAX_OFFSET, int(MAX_OFFSET_NS / call_ns)))):
                call()
        return asdict(self.plan)

    def take_round(self, call: Call) -> latency.Round:
        return latency.take_round(call, self.plan)

    def facts(self) -> dict[str, str]:
        return {}
