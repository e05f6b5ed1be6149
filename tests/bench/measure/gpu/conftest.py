"""A simulated GPU: its clock and the host's are numbers, and work takes the time that it is given."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from bench.measure import latency
from bench.measure.gpu import timing

SUBMIT_NS = 2e3
"""Time in ns that the host takes to submit an operation."""


@dataclass(frozen=True)
class Event:
    gpu: "SimulatedGpu"
    at: float

    def reached(self) -> bool:
        return self.gpu.now >= self.at

    def since(self, earlier: "Event") -> float:
        return self.at - earlier.at


@dataclass
class SimulatedGpu:
    now: float = 0.0
    """The host's time in ns."""
    busy_until: float = 0.0
    cached: bool = False
    """Whether the last call's data are in the cache."""
    operations: list[str] = field(default_factory=list)

    def work(self, operation: str, ns: float, submit_ns: float = SUBMIT_NS) -> None:
        self.operations.append(operation)
        self.now += submit_ns
        self.busy_until = max(self.now, self.busy_until) + ns

    def record_event(self) -> Event:
        self.work("record_event", 0)
        return Event(self, self.busy_until)

    def block_stream(self, ns: float) -> None:
        self.work("block_stream", ns)

    def flush(self) -> None:
        self.work("flush", 30e3)
        self.cached = False

    def finish(self) -> None:
        self.now = max(self.now, self.busy_until)

    def call(self, hot_ns: float, cold_ns: float | None = None, submit_ns: float = 8e3) -> None:
        self.work("call", hot_ns if self.cached or cold_ns is None else cold_ns, submit_ns)
        self.cached = True

    def perf_counter_ns(self) -> int:
        self.now += 50
        return int(self.now)

    def perf_counter(self) -> float:
        return self.perf_counter_ns() / 1e9


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> SimulatedGpu:
    simulated = SimulatedGpu()
    clock = SimpleNamespace(perf_counter=simulated.perf_counter, perf_counter_ns=simulated.perf_counter_ns)
    for module in (latency, timing):
        monkeypatch.setattr(module, "time", clock)
    return simulated
