"""A record: one outcome, as it is stored. These models are schema 2; ``schema1.py`` converts from schema 1."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from statistics import fmean
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA: Final = 2
THREADS_THAT_RAN: Final = "threads that ran"
"""Name of the fact that states how many threads did a real share of a record's work."""
OTHER_PROCESSES: Final = "other processes on the GPU"
"""Name of the fact that states which other processes used the GPU while a record was made."""
NO_OTHER_PROCESSES: Final = "none"
"""Value of that fact where there were no other processes."""


class Status(StrEnum):
    """What became of an implementation on a case."""

    PASSED = "passed"
    INCORRECT = "incorrect"
    IMPLAUSIBLE = "implausible"
    UNSUPPORTED = "unsupported"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    FAILED = "failed"


class Stored(BaseModel):
    """Base of the stored models. A later release may add fields with defaults, which this one then ignores."""

    # A diverged loss in a check's metrics is NaN, which JSON lacks; it is stored as a string, as null is not read back.
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")


class Key(NamedTuple):
    """Identity of a record; no two current records of a run have the same key."""

    workload: str
    implementation: str
    case: str
    target: str


class Work(Stored):
    """The work of one call, by formula. FLOP = 2 x MAC."""

    macs: int = Field(ge=0, description="multiply-accumulates that reach the output; products with padding count")
    fewest_macs: int | None = Field(
        default=None,
        ge=0,
        description="multiplications left by the fastest algorithm known, without padding; None: as many as macs",
    )
    least_bytes: int = Field(ge=0, description="inputs, constants and output, each moved once")
    parameters: int = Field(ge=0, description="number of trained parameters")
    itemsize: int = Field(default=4, ge=1, description="bytes of a number; arithmetic peaks are measured for 4")
    arithmetic: str | None = Field(
        default=None, description="what a GPU multiplies: float16, bfloat16, tf32; None: float32 or 64, by the itemsize"
    )
    sparse_macs: int = Field(default=0, ge=0, description="those of macs that multiply non-zeros of a sparse matrix")


class Check(Stored):
    """Whether the output was right. An operator reports its error; a trained model reports metrics."""

    passed: bool
    reason: str = ""
    error: float | None = None
    tolerance: float | None = None
    metrics: dict[str, float] = {}
    curves: dict[str, list[float]] = Field(default={}, description="by name, a value for each epoch, or layer")


class Latency(Stored):
    """All timed samples; none is dropped.

    ``rounds[i]`` holds the samples of one round, ns a call. ``numbers[i]`` is the number of that round in the session:
    rounds with the same number were measured next to each other, whatever the implementation. ``processes[i]`` is the
    index of the implementation's process that measured the round; each process has a memory layout of its own.
    """

    rounds: list[list[float]]
    numbers: list[int]
    processes: list[int]
    calls_per_sample: int = Field(ge=1, description="calls behind each sample, which is their mean")
    estimate: float = Field(gt=0, description="ns a call, every call of every round counted")
    low: float = Field(gt=0, description="95 % interval of the estimate over new processes, ns")
    high: float
    disturbed: list[int] | None = Field(
        default=None,
        description="indices of the rounds in which other processes took the core; the estimate leaves them out "
        "if they are a minority; None: not recorded",
    )
    off_cpu: int | None = Field(
        default=None,
        ge=0,
        description="rounds in which the calling thread was off its core for over 5 % of the time; None: unknown",
    )
    throttled: list[int] | None = Field(
        default=None,
        description="indices of the rounds in which a GPU throttled its clock; None: no GPU, or it does not tell",
    )
    launch_bound: int | None = Field(
        default=None, description="samples in which a GPU may have waited for the host; None: no GPU"
    )
    stopped: Literal["precise", "budget"] | None = Field(
        description="why timing stopped: intervals narrow enough, or budget spent; None: another tool timed it"
    )

    @model_validator(mode="after")
    def _rounds_are_labelled(self) -> Self:
        if not len(self.rounds) == len(self.numbers) == len(self.processes) > 0:
            raise ValueError("each round needs its number and its process")
        if not all(self.rounds):
            raise ValueError("each round needs a sample")
        if len(set(self.numbers)) < len(self.numbers):
            raise ValueError("two rounds have the same number")
        return self

    @model_validator(mode="after")
    def _marked_rounds_exist(self) -> Self:
        for name, indices in (("disturbed", self.disturbed or ()), ("throttled", self.throttled or ())):
            if not set(indices) <= set(range(len(self.rounds))) or len(set(indices)) < len(indices):
                raise ValueError(f"{name}: expected indices of {len(self.rounds)} rounds, each once, not {indices}")
        return self

    def means(self) -> list[float]:
        """Return the latency of each round, ns: the mean of its samples, so that even a rare slow call counts."""
        return [fmean(samples) for samples in self.rounds]

    @property
    def is_mostly_disturbed(self) -> bool:
        """Whether other processes took the core in half of the rounds or more."""
        return bool(self.disturbed) and len(self.undisturbed) == len(self.rounds)

    @property
    def undisturbed(self) -> list[int]:
        """Indices of the rounds that estimates are made of: all, where half or more were disturbed."""
        return undisturbed(len(self.rounds), self.disturbed or ())


def undisturbed(count: int, disturbed: Sequence[int]) -> list[int]:
    """Return the indices of ``count`` rounds that estimates are made of, without ``disturbed`` if it is a minority.

    If half or more of the rounds were disturbed, that is the normal state of the machine, and all rounds count.
    """
    excluded = set(disturbed) if 2 * len(disturbed) < count else set()
    return [index for index in range(count) if index not in excluded]


class Memory(Stored):
    """Memory of a prepared implementation and of its calls."""

    peak_bytes: int = Field(ge=0, description="high-water mark of one call above the prepared process")
    prepared_bytes: int = Field(
        ge=0, description="bytes that prepare and the first calls left behind, without the case's own arrays"
    )
    driver_bytes: int | None = Field(
        default=None,
        ge=0,
        description="bytes that a GPU's driver has given since before prepare, allocators' reserves included",
    )
    growth_bytes: float | None = Field(
        default=None, ge=0, description="bytes that each further call keeps; 0: none could be seen; None: not measured"
    )


class ArtifactReference(Stored):
    """An artifact that a record needs."""

    key: str = Field(description="hash of what decides the artifact")
    sha256: str = Field(description="of its content, which may differ between machines that built it")
    size_bytes: int | None = Field(default=None, ge=0, description="of its arrays; None: not recorded")
    seconds: float | None = Field(
        default=None, ge=0, description="time that building it took, now or before; None: not recorded"
    )


class Record(Stored):
    """One outcome. Only a passed one has a latency: no speed is ever reported for an output that was not checked."""

    schema_version: Literal[2] = SCHEMA
    workload: str
    implementation: str
    case: str
    target: str
    machine: str = Field(default="", description="id of the machine that made the record, a key of the run's machines")
    parameters: dict[str, Any] = Field(description="the case's parameters")
    status: Status
    reason: str = ""
    session: str = Field(description="records of one session were interleaved: rounds of one number pair up")
    started: datetime
    work: Work | None = Field(default=None, description="None where a model would have been trained and was not")
    seconds: dict[str, float] = Field(default={}, description="time spent by step, in all of its processes together")
    artifacts: dict[str, ArtifactReference] = Field(default={}, description="by kind, such as network")
    facts: dict[str, str] = Field(default={}, description="the worker's libraries, threads and caps, as observed")
    check: Check | None = None
    latency: Latency | None = None
    memory: Memory | None = None

    @model_validator(mode="after")
    def _only_checked_outputs_have_a_speed(self) -> Self:
        measured = self.latency is not None and self.memory is not None
        if self.status is Status.PASSED and not (measured and self.check and self.check.passed):
            raise ValueError("a passed record needs a passed check, a latency and a memory")
        if self.status is not Status.PASSED and (self.latency or self.memory or not self.reason):
            raise ValueError("a record that did not pass has a reason, and neither latency nor memory")
        return self

    @property
    def key(self) -> Key:
        return Key(self.workload, self.implementation, self.case, self.target)
