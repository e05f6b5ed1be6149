"""The interface that measures memory and time of calls, on the host or on a GPU."""

from typing import Any, Protocol

from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.host import HostMeter
from bench.measure.latency import Round


class Meter(Protocol):
    """Measures one worker's calls. It is created before anything is prepared."""

    def allow_memory(self, extra_bytes: int) -> None:
        """Limit this process to ``extra_bytes`` more memory than now; allocating more fails at once."""

    def to_device(self, problem: Problem) -> Problem:
        """Return the same problem in memory of its own, where implementations expect it."""

    def adapt(self, call: Call) -> Call:
        """Return the call to measure: ``call`` itself, or the replay of its CUDA graph."""

    def finish(self) -> None:
        """Wait until all submitted work is done."""

    def release_memory(self) -> None:
        """Wait until all work is done, and give freed memory back, so that the next allocation shows."""

    def held_bytes(self) -> int:
        """Return the memory that the process itself has now, bytes."""

    def driver_bytes(self) -> int | None:
        """Return the device memory that the driver has allocated for all processes, bytes; None without a device."""

    def peak_of(self, call: Call) -> int:
        """Return the bytes that one call takes at its highest, above what the process held before it."""

    def warm_up(self, call: Call, plan: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call until the start-up trend is gone; return the size of rounds, which is ``plan`` where one is given."""

    def take_round(self, call: Call) -> Round:
        """Take one round of the planned size."""

    def facts(self) -> dict[str, str]:
        """Return facts found while measuring, for the record."""


def meter(target: Target) -> Meter:
    """Return the meter for a target."""
    if target.kind != "cuda":
        return HostMeter()
    from bench.measure.gpu.meter import Gpu  # needs PyTorch

    return Gpu.present(target)
