"""Runs on disk: each has a folder with ``run.json`` (request, machines) and ``records.jsonl`` (append-only)."""

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator

from bench.core.budget import Budget
from bench.core.errors import RunError, UsageError
from bench.core.files import write_whole
from bench.core.record import SCHEMA, Key, Record, Stored
from bench.core.schema1 import upgraded_record, upgraded_run
from bench.core.target import Target
from bench.machine import Environment
from bench.peaks.model import GpuPeaks, Peaks
from bench.store.request import PROBLEMS as PROBLEMS
from bench.store.request import Request as Request

LOCAL = Path("results/local")
REFERENCE = Path("results/reference")

log = logging.getLogger("featherbench")


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
    """Hashes of source: of all of ``impls`` under that key, and of each plug-in's file under workload/implementation.
    Runs of earlier releases have a hash of each implementation's file instead."""
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
        return {name: value for name, value in request.items() if name in Request.model_fields}

    @property
    def machine(self) -> Machine:
        """The machine that began the run."""
        return next(iter(self.machines.values()))

    @property
    def target(self) -> str:
        return self.request.target

    @property
    def on_gpu(self) -> bool:
        return Target.parse(self.target).kind == "cuda"

    @property
    def suite(self) -> str:
        return self.request.suite


class Run:
    """A run's folder, open for reading and appending."""

    def __init__(self, folder: Path, info: RunInfo) -> None:
        self.folder = folder
        self.info = info
        self._current = self._read()

    @classmethod
    def create(cls, folder: Path, info: RunInfo) -> Self:
        """Create the folder of a new run; its ``run.json`` is either complete or missing.

        Raises:
            UsageError: where the run exists already, or the folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)  # A run killed at this point left a folder without run.json.
            if (folder / "run.json").exists():
                raise UsageError(f"run {folder} exists already; add --resume to go on with it, or give another --name")
            write_whole(folder / "run.json", info.model_dump_json(indent=2))
        except OSError as error:
            raise UsageError(
                f"cannot write to {folder}: {error.strerror}; choose another folder with --results"
            ) from None
        return cls(folder, info)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a run.

        Raises:
            UsageError: where the folder holds no run that this release can read.
        """
        path = folder / "run.json"
        try:
            stored = json.loads(path.read_bytes())
            if isinstance(stored, dict) and _newer(stored):
                raise UsageError(
                    f"{path} has schema {stored['schema_version']}, and this featherbench reads {SCHEMA}: upgrade it"
                )
            return cls(folder, _run_info(stored))
        except FileNotFoundError:
            raise UsageError(f"{folder} holds no run: it has no run.json") from None
        except (ValidationError, ValueError, OSError) as error:
            raise UsageError(f"{path} is not the description of a run: {str(error).splitlines()[0]}") from None

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def records(self) -> list[Record]:
        """The current records: the latest of each key."""
        return list(self._current.values())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from adding to the run until the block ends.

        Raises:
            UsageError: where another process is adding to it already.
        """
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._current = self._read()
            yield
        except BlockingIOError:
            raise UsageError(
                f"another process is measuring {self.folder}; wait for it, or give another --name"
            ) from None
        finally:
            os.close(descriptor)

    def append(self, records: Sequence[Record]) -> None:
        """Add records, which are safe on disk when this returns.

        Raises:
            RunError: where they cannot be written.
        """
        text = "".join(record.model_dump_json() + "\n" for record in records).encode()
        try:
            _append_whole(self._file, text)
        except OSError as error:
            raise RunError(
                f"cannot write to {self._file}: {error.strerror}; the {len(self._current)} records before are safe. "
                "Make room and go on with --resume"
            ) from None
        for record in records:
            self._current[record.key] = record

    def _read(self) -> dict[Key, Record]:
        """Return the latest record of each key in the file."""
        machine = next(iter(self.info.machines))
        return {record.key: record for record in _read_records(self._file, machine)}

    @property
    def _file(self) -> Path:
        return self.folder / "records.jsonl"


def runs(folder: Path = LOCAL) -> list[Run]:
    """Return all readable runs in a folder, oldest first; an unreadable run is reported in one line of the log."""
    readable = []
    for path in sorted(folder.glob("*/run.json")):
        try:
            readable.append(Run.open(path.parent))
        except UsageError as error:
            log.warning("%s; left alone", error)
    return sorted(readable, key=lambda run: run.info.started)


def find(name: str, folder: Path = LOCAL) -> Run:
    """Return the run of this name in ``folder`` or among the committed runs, or at this path.

    ``latest`` is the newest run in ``folder``.

    Raises:
        UsageError: where there is no such run, or it cannot be read.
    """
    if name == "latest":
        if not (local := runs(folder)):
            raise UsageError(f"no run in {folder.absolute()} yet; make one with: featherbench run")
        return local[-1]
    for candidate in (folder / name, REFERENCE / name, Path(name)):
        if (candidate / "run.json").exists():
            return Run.open(candidate)
    names = ", ".join(run.name for run in runs(folder)) or "none yet"
    raise UsageError(f"no run {name!r} in {folder.absolute()} or {REFERENCE.absolute()}; choose from: latest, {names}")


def new_name(request: Request, now: datetime) -> str:
    """Return a name that sorts by time and states the request, e.g. ``20261123-204510-grouped_conv2d-quick-edge``."""
    workloads = "+".join(request.workloads)
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{workloads}-{request.suite}-{request.target.replace(':', '-')}"


def _append_whole(path: Path, text: bytes) -> None:
    """Append ``text`` and flush it to disk.

    A torn line that a killed run left behind is ended first, so that it does not spoil the next. Text that a full disk
    cuts short is removed again.
    """
    # Unbuffered, since a buffer would repeat a failed write when it is closed.
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        if end and _last_byte(path) != b"\n":
            text = b"\n" + text
        try:
            while text:
                text = text[file.write(text) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):  # The first error is the one that the user must know.
                os.ftruncate(file.fileno(), end)
            raise


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


def _read_records(path: Path, machine: str) -> Iterator[Record]:
    """Yield the records of a file; a line that is no record is logged and skipped.

    A record of schema 1, which names no machine, is attributed to ``machine``.
    """
    if not path.exists():
        return
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            stored = json.loads(line)
        except ValueError:
            log.warning("%s line %d is cut off, as by a kill or a power cut; skipped", path, number)
            continue
        if isinstance(stored, dict) and _newer(stored):
            raise UsageError(
                f"{path} line {number} has schema {stored['schema_version']}, and this featherbench reads {SCHEMA}: "
                "upgrade it, or start another run"
            )
        try:
            old = isinstance(stored, dict) and stored.get("schema_version") == 1
            yield Record.model_validate(upgraded_record(stored, machine) if old else stored)
        except (ValidationError, LookupError, TypeError, AttributeError):
            log.warning("%s line %d is not a record of featherbench; skipped", path, number)


def _run_info(stored: Any) -> RunInfo:
    """Return the description of a run, of either schema; raise ValueError where ``stored`` is none."""
    if not isinstance(stored, dict) or stored.get("schema_version") != 1:
        return RunInfo.model_validate(stored)
    try:
        machine = Environment.model_validate(stored["environment"]).machine_id
        return RunInfo.model_validate(upgraded_run(stored, machine))
    except (LookupError, TypeError) as error:
        raise ValueError(f"{error} is missing") from None


def _newer(stored: dict[str, object]) -> bool:
    version = stored.get("schema_version")
    return isinstance(version, int) and version > SCHEMA
