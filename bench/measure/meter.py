"""What weighs and times calls where they run: on the host, or on a GPU."""

from typing import Protocol

from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.host import Host
from bench.measure.latency import Turn


class Meter(Protocol):
    """One in a worker, made before it prepares anything."""

    def allow_memory(self, extra_bytes: int) -> None:
        """Let this process have so much more memory than now; asking for more fails at once."""

    def place(self, problem: Problem) -> Problem:
        """The same problem in memory of its own, where implementations find it."""

    def adapt(self, call: Call) -> Call:
        """What is measured of a prepared call."""

    def finish(self) -> None:
        """Wait until all that was asked for is done."""

    def settle(self) -> None:
        """Wait until all is done, and give freed memory back, so that the next allocation shows."""

    def held_bytes(self) -> int:
        """Memory that the process itself has now."""

    def driver_bytes(self) -> int | None:
        """Memory of the device that its driver has given to anybody; None where there is no device."""

    def peak_of(self, call: Call) -> int:
        """Bytes that one call takes at its highest, above what the process held before it."""

    def warm_up(self, call: Call) -> int:
        """Call until the start-up trend is gone and plan the turns; returns the calls behind each sample."""

    def take_turn(self, call: Call) -> Turn:
        """One turn, of the size planned."""

    def facts(self) -> dict[str, str]:
        """What was found meanwhile that a reader of the record should know."""


def meter(target: Target) -> Meter:
    if target.kind != "cuda":
        return Host()
    from bench.measure.gpu.meter import Gpu  # needs PyTorch

    return Gpu.present(target)
