"""The budget of a run."""

from pydantic import Field

from bench.core.record import Stored


class Budget(Stored):
    """The time and memory that a run may spend before it gives up."""

    timed_s: float = Field(default=8.0, gt=0, description="seconds of timed rounds for a case, all implementations")
    timeout_s: float = Field(default=120.0, gt=0, description="seconds for one step: an import, a prepare, a round")
    memory_bytes: int = Field(default=4 << 30, gt=0, description="bytes that a worker may ask for beyond its libraries")
