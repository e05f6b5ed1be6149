"""What scheduler and worker exchange."""

from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict

from bench.core.record import Status


class Reply(BaseModel):
    """The outcome of one step: a result, or the status and reason of what went wrong."""

    model_config = ConfigDict(ser_json_inf_nan="constants")  # A NaN metric must arrive as NaN.

    result: dict[str, Any] = {}
    status: Status = Status.PASSED
    reason: str = ""
    seconds: float


class UnsupportedError(Exception):
    """The implementation does not support this case; the message says why."""


def case_seed(slug: str) -> int:
    """Return the seed of a case's first inputs."""
    return int.from_bytes(sha256(slug.encode()).digest()[:4])
