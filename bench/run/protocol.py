"""What scheduler and worker say to each other."""

from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict

from bench.core.record import Status


class Reply(BaseModel):
    """The outcome of one step: a result, or the status and reason of what went wrong."""

    model_config = ConfigDict(ser_json_inf_nan="constants")  # A NaN metric must arrive as one.

    result: dict[str, Any] = {}
    status: Status = Status.PASSED
    reason: str = ""
    seconds: float


class Unsupported(Exception):
    """The implementation does not do this case; the message says why."""


def case_seed(slug: str) -> int:
    """The seed of a case's first inputs."""
    return int.from_bytes(sha256(slug.encode()).digest()[:4])
