"""The noise floor of a machine, as ``featherbench doctor`` found it."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.core.files import write_whole


class NoiseFloor(BaseModel):
    """How far two runs of the same code differ on a machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ratio: float
    """0.018: by up to 1.8 %, in 95 of 100 pairs."""
    pairs: int
    measured: datetime


def load(folder: Path, machine_id: str) -> NoiseFloor | None:
    """What doctor last found, or None where it never ran here."""
    try:
        return NoiseFloor.model_validate_json(_path(folder, machine_id).read_bytes())
    except (OSError, ValidationError):
        return None


def save(folder: Path, machine_id: str, floor: NoiseFloor) -> None:
    write_whole(_path(folder, machine_id), floor.model_dump_json())


def _path(folder: Path, machine_id: str) -> Path:
    return folder / f"{machine_id}-noise.json"
