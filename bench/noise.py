"""The noise floor of a machine, which ``featherbench doctor`` measures."""

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from bench.core.files import write_whole
from bench.core.record import Stored


class NoiseFloor(Stored):
    """How far two implementations with the same code differ on a machine, measured in one session."""

    ratio: float
    """Largest difference in 95 of 100 pairs, as a fraction: 0.018 is 1.8 %."""
    pairs: int
    measured: datetime


def load(folder: Path, machine_id: str) -> NoiseFloor | None:
    """Return the noise floor that doctor measured last, or None where none is stored."""
    try:
        return NoiseFloor.model_validate_json(_path(folder, machine_id).read_bytes())
    except (OSError, ValidationError):
        return None


def save(folder: Path, machine_id: str, floor: NoiseFloor) -> None:
    """Store the noise floor of a machine in ``folder``."""
    write_whole(_path(folder, machine_id), floor.model_dump_json())


def _path(folder: Path, machine_id: str) -> Path:
    return folder / f"{machine_id}-noise.json"
