"""A GPU that is simulated: its clock and the host's are numbers, and work takes as long as it is told to."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from bench.measure import latency
from bench.measure.gpu import timing

ASK_NS = 2e3
"""What the host needs to ask for anything."""


@dataclass(frozen=True)
class Mark:
    gpu: "SimulatedGpu"
    at: float

    def reached(self) -> bool:
        return self.gpu.now >= self.at

    def since(self, earlier: "Mark") -> float:
        return self.at - earlier.at


@dataclass
class SimulatedGpu:
    now: float = 0.0
    """On the host."""
    busy_until: float = 0.0
    cached: bool = False
    """Whether the last call's data are in the cache."""
    asked: list[str] = field(default_factory=list)

    def work(self, what: str, ns: float, ask_ns: float = ASK_NS) -> None:
        self.asked.append(what)
        self.now += ask_ns
        self.busy_until = max(self.now, self.busy_until) + ns

    def mark(self) -> Mark:
        self.work("mark", 0)
        return Mark(self, self.busy_until)

    def hold(self, ns: float) -> None:
        self.work("hold", ns)

    def flush(self) -> None:
        self.work("flush", 30e3)
        self.cached = False

    def finish(self) -> None:
        self.now = max(self.now, self.busy_until)

    def call(self, hot_ns: float, cold_ns: float | None = None, ask_ns: float = 8e3) -> None:
        self.work("call", hot_ns if self.cached or cold_ns is None else cold_ns, ask_ns)
        self.cached = True

    def perf_counter_ns(self) -> int:
        self.now += 50
        return int(self.now)

    def perf_counter(self) -> float:
        return self.perf_counter_ns() / 1e9


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> SimulatedGpu:
    made = SimulatedGpu()
    clock = SimpleNamespace(perf_counter=made.perf_counter, perf_counter_ns=made.perf_counter_ns)
    for module in (latency, timing):
        monkeypatch.setattr(module, "time", clock)
    return made
