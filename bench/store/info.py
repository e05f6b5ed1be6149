"""The description of a run, which its ``run.json`` holds: what was asked for, and which machines measured."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from bench.core.budget import Budget
from bench.core.errors import UsageError
from bench.core.record import SCHEMA, Stored
from bench.core.schema1 import upgraded_run
from bench.core.target import Target
from bench.machine import Environment
from bench.peaks.model import GpuPeaks, Peaks
from bench.store.request import Request
from bench.store.schema import refuse_newer


class Machine(Stored):
    """A machine that made records: its hardware and libraries, and what was measured of the machine itself."""

    environment: Environment
    threads: int
    """Number of cores given to the target, and of threads that every library is asked to use."""
    peaks: Peaks | GpuPeaks | None
    noise_floor: float | None
    """From ``featherbench doctor``, a fraction: 0.018 means that runs of the same code differ by up to 1.8 % here."""


class RunInfo(Stored):
    """Description of a run, which holds for all its records."""

    schema_version: Literal[2] = SCHEMA
    name: str
    command: str
    started: datetime
    request: Request
    budget: Budget
    sources: dict[str, str]
    """Hashes of source: of all of ``impls`` under that key, of a plug-in folder under its name, of a plug-in file under
    workload/implementation. Runs of earlier releases have a hash of each implementation's file instead."""
    machines: dict[str, Machine] = Field(min_length=1)
    """Machines by the id that records refer to; the machine that began the run comes first."""
    notes: dict[str, str] = Field(default={})
    """What is inside each timed call, by workload/implementation; in runs of earlier releases by implementation."""

    @field_validator("request", mode="before")
    @classmethod
    def _known_fields(cls, request: object) -> object:
        """Ignore fields that a later release has added to a stored request; a new request may not have unknown ones."""
        if not isinstance(request, dict):
            return request
        known = {field.serialization_alias or name for name, field in Request.model_fields.items()}
        return {name: value for name, value in request.items() if name in known}

    @property
    def machine(self) -> Machine:
        """The machine that began the run."""
        return next(iter(self.machines.values()))

    @property
    def target(self) -> Target:
        return self.request.target

    @property
    def on_gpu(self) -> bool:
        return self.target.kind == "cuda"

    @property
    def suite(self) -> str:
        return self.request.suite


def read_info(path: Path) -> RunInfo:
    """Read the description of a run, of any schema.

    Raises:
        UsageError: where ``path`` is no description that this release can read.
    """
    try:
        stored = json.loads(path.read_bytes())
        refuse_newer(stored, str(path))
        return _run_info(stored)
    except FileNotFoundError:
        raise UsageError(f"{path.parent} holds no run: it has no {path.name}") from None
    except (ValidationError, ValueError, OSError) as error:
        raise UsageError(f"{path} is not the description of a run: {str(error).splitlines()[0]}") from None


def _run_info(stored: Any) -> RunInfo:
    """Return the description of a run, of either schema; raise ValueError where ``stored`` is none."""
    try:
        if not isinstance(stored, dict) or stored.get("schema_version") != 1:
            return RunInfo.model_validate(stored)
        machine = Environment.model_validate(stored["environment"]).machine_id
        return RunInfo.model_validate(upgraded_run(stored, machine))
    except (LookupError, TypeError) as error:
        raise ValueError(f"{error} is missing") from None
    except UsageError as error:  # such as an unknown target
        raise ValueError(str(error)) from None
