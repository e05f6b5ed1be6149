"""Weighs and times calls on the host."""

from bench.core.workload import Call, Problem
from bench.measure import latency, memory


class Host:
    """A ``Meter`` of calls that are done when they return."""

    plan: latency.TurnPlan

    def allow_memory(self, extra_bytes: int) -> None:
        memory.allow(extra_bytes)

    def place(self, problem: Problem) -> Problem:
        return problem.aligned()

    def adapt(self, call: Call) -> Call:
        return call

    def finish(self) -> None:
        pass

    def settle(self) -> None:
        memory.settle()

    def held_bytes(self) -> int:
        return memory.private_bytes()

    def driver_bytes(self) -> None:
        return None

    def peak_of(self, call: Call) -> int:
        return memory.peak_of(call)

    def warm_up(self, call: Call) -> int:
        self.plan = latency.plan_turn(latency.warm_up(call))
        return self.plan.inner

    def take_turn(self, call: Call) -> latency.Turn:
        return latency.take_turn(call, self.plan)

    def facts(self) -> dict[str, str]:
        return {}
