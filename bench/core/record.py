"""A record: one outcome, as it is stored. These models are the schema."""

from datetime import datetime
from enum import StrEnum
from statistics import median
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA: Final = 1
THREADS_THAT_RAN: Final = "threads that ran"
"""The fact that tells how many threads did a real share of a record's work."""
OTHERS: Final = "other processes on the GPU"
NO_OTHERS: Final = "none"
"""The fact that tells who else had the GPU while a record was made, and what it says where there was nobody."""


class Status(StrEnum):
    PASSED = "passed"
    INCORRECT = "incorrect"
    UNSUPPORTED = "unsupported"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    FAILED = "failed"


class _Stored(BaseModel):
    # Strings: a diverged loss in a check's metrics is NaN, which JSON lacks, and null would not be read back.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Key(NamedTuple):
    """What a record is about: no two current records of a run share it."""

    workload: str
    implementation: str
    case: str
    target: str


class Work(_Stored):
    """The work of one call, by formula. FLOP = 2 x MAC."""

    macs: int = Field(ge=0, description="multiply-accumulates that reach the answer; products with padding count")
    least_bytes: int = Field(ge=0, description="inputs, constants and output, each moved once")
    parameters: int = Field(ge=0, description="trained numbers")
    itemsize: int = Field(default=4, ge=1, description="bytes of a number; arithmetic peaks are measured for 4")
    arithmetic: str | None = Field(
        default=None, description="what a GPU multiplies: float16, bfloat16, tf32; None: float32 or 64, by the itemsize"
    )
    sparse_macs: int = Field(default=0, ge=0, description="of macs, those with the non-zeros of a sparse matrix")


class Check(_Stored):
    """Whether the answer was right. An operator reports its error; a trained model reports metrics."""

    passed: bool
    reason: str = ""
    error: float | None = None
    tolerance: float | None = None
    metrics: dict[str, float] = {}
    curves: dict[str, list[float]] = Field(default={}, description="what changed while it trained, epoch by epoch")


class Latency(_Stored):
    """All timed samples, none dropped. ``turns[r]`` are the samples of round r, in ns a call."""

    turns: list[list[float]]
    inner: int = Field(ge=1, description="calls behind each sample, which is their mean")
    median: float = Field(gt=0, description="median over rounds of the rounds' medians, ns")
    low: float = Field(gt=0, description="95 % interval of the median, ns; all that was seen where rounds cannot tell")
    high: float
    preempted: int | None = Field(
        default=None,
        ge=0,
        description="rounds in which the calling thread was off its core for over 5 % of the time; None: unknown",
    )
    throttled: list[int] | None = Field(
        default=None, description="rounds in which a GPU held its clock down; None: there is none, or it does not tell"
    )
    exposed: int | None = Field(
        default=None, description="samples in which a GPU may have waited for the host; None: there is none"
    )
    stopped: Literal["sure", "budget"] | None = Field(description="None: another tool timed it, by rules of its own")

    def rounds(self) -> list[float]:
        """The latency of each round, ns: the median of its samples. Rounds, not samples, are independent."""
        return [median(turn) for turn in self.turns]


class Memory(_Stored):
    peak_bytes: int = Field(ge=0, description="high-water mark of one call above the prepared process")
    prepared_bytes: int = Field(
        ge=0, description="what prepare and the first calls left behind, without the case's own arrays"
    )
    driver_bytes: int | None = Field(
        default=None,
        ge=0,
        description="of a GPU, what its driver has given since before prepare, allocators' reserves included",
    )


class Record(_Stored):
    """One outcome. Only a passed one has a latency: no speed is ever reported for an answer that was not checked."""

    schema_version: Literal[1] = SCHEMA
    workload: str
    implementation: str
    case: str
    target: str
    parameters: dict[str, Any] = Field(description="the case's parameters")
    status: Status
    reason: str = ""
    sitting: str = Field(description="records of one sitting were interleaved round by round: their rounds pair up")
    started: datetime
    work: Work | None = Field(default=None, description="None where no model was trained that would have any")
    seconds: dict[str, float] = Field(default={}, description="time spent by stage")
    facts: dict[str, str] = Field(default={}, description="the worker's libraries, threads and caps as found")
    check: Check | None = None
    latency: Latency | None = None
    memory: Memory | None = None

    @model_validator(mode="after")
    def _only_checked_answers_have_a_speed(self) -> Self:
        measured = self.latency is not None and self.memory is not None
        if self.status is Status.PASSED and not (measured and self.check and self.check.passed):
            raise ValueError("a passed record needs a passed check, a latency and a memory")
        if self.status is not Status.PASSED and (self.latency or self.memory or not self.reason):
            raise ValueError("a record that did not pass has a reason, and neither latency nor memory")
        return self

    @property
    def key(self) -> Key:
        return Key(self.workload, self.implementation, self.case, self.target)
