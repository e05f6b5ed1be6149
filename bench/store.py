"""Runs on disk: one folder a run, with ``run.json`` (what was asked, where) and ``records.jsonl`` (append-only)."""

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.core.errors import BadUse, CannotGoOn
from bench.core.files import write_whole
from bench.core.record import SCHEMA, Key, Record
from bench.core.target import Target
from bench.limits.model import GpuLimits, Limits
from bench.machine import Environment

LOCAL = Path("results/local")
REFERENCE = Path("results/reference")

log = logging.getLogger("featherbench")


class Request(BaseModel):
    """What a run was asked to measure. A run is resumed only by an equal request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workloads: tuple[str, ...]
    suite: str
    target: str
    implementations: tuple[str, ...] = ()
    """Empty: all of them."""
    cases: tuple[str, ...] = ()
    """Filters such as ``groups=16``."""
    plugins: tuple[str, ...] = ()


class Spending(BaseModel):
    """What a run would spend before it gave up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget_s: float
    """Timed rounds of a case, all implementations together."""
    timeout_s: float
    """One step of a worker."""
    memory_bytes: int
    """What a worker may ask for beyond its libraries."""


class RunInfo(BaseModel):
    """What holds for all records of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = SCHEMA
    name: str
    command: str
    started: datetime
    request: Request
    spending: Spending
    sources: dict[str, str]
    """``impls`` -> all of its source, hashed; workload/implementation of a plug-in -> its file. In runs of earlier
    releases each implementation -> its file."""
    threads: int
    """Cores given to the target, and threads asked of every library."""
    environment: Environment
    limits: Limits | GpuLimits | None
    noise_floor: float | None
    """From ``featherbench doctor``: 0.018 means that two runs of the same code differ by up to 1.8 % here."""
    notes: dict[str, str] = {}
    """Workload/implementation -> what is inside its timed call. In runs of earlier releases by implementation alone."""

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
        self._current: dict[Key, Record] = {record.key: record for record in _read_records(self._file)}

    @classmethod
    def create(cls, folder: Path, info: RunInfo) -> Self:
        """Make the folder, with ``run.json`` complete or not there at all."""
        try:
            folder.mkdir(parents=True, exist_ok=True)  # A run killed right here has left a folder without run.json.
            if (folder / "run.json").exists():
                raise BadUse(f"run {folder} exists already; add --resume to go on with it, or give another --name")
            write_whole(folder / "run.json", info.model_dump_json(indent=2))
        except OSError as error:
            raise BadUse(f"cannot write to {folder}: {error.strerror}; choose another folder with --results") from None
        return cls(folder, info)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a run; raises BadUse where the folder holds none that this release can read."""
        path = folder / "run.json"
        try:
            found = json.loads(path.read_bytes())
            if isinstance(found, dict) and _newer(found):
                raise BadUse(
                    f"{path} has schema {found['schema_version']}, and this featherbench reads {SCHEMA}: upgrade it"
                )
            return cls(folder, RunInfo.model_validate(found))
        except FileNotFoundError:
            raise BadUse(f"{folder} holds no run: it has no run.json") from None
        except (ValidationError, ValueError, OSError) as error:
            raise BadUse(f"{path} is not the description of a run: {str(error).splitlines()[0]}") from None

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def records(self) -> list[Record]:
        """The current records: the latest of each key."""
        return list(self._current.values())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from adding to the run meanwhile; raises BadUse where one already does."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._current = {record.key: record for record in _read_records(self._file)}
            yield
        except BlockingIOError:
            raise BadUse(f"another process is measuring {self.folder}; wait for it, or give another --name") from None
        finally:
            os.close(descriptor)

    def append(self, records: Sequence[Record]) -> None:
        """Add records, safe on disk when this returns. Raises CannotGoOn where they cannot be written."""
        text = "".join(record.model_dump_json() + "\n" for record in records).encode()
        try:
            _append_whole(self._file, text)
        except OSError as error:
            raise CannotGoOn(
                f"cannot write to {self._file}: {error.strerror}; the {len(self._current)} records before are safe. "
                "Make room and go on with --resume"
            ) from None
        for record in records:
            self._current[record.key] = record

    @property
    def _file(self) -> Path:
        return self.folder / "records.jsonl"


def runs(folder: Path = LOCAL) -> list[Run]:
    """All readable runs in a folder, oldest first; an unreadable one is told in one line."""
    found = []
    for path in sorted(folder.glob("*/run.json")):
        try:
            found.append(Run.open(path.parent))
        except BadUse as error:
            log.warning("%s; left alone", error)
    return sorted(found, key=lambda run: run.info.started)


def find(name: str, folder: Path = LOCAL) -> Run:
    """The run of this name, in ``folder`` or among the committed ones, or at this path; ``latest`` is the newest."""
    if name == "latest":
        if not (local := runs(folder)):
            raise BadUse(f"no run in {folder} yet; make one with: featherbench run")
        return local[-1]
    for candidate in (folder / name, REFERENCE / name, Path(name)):
        if (candidate / "run.json").exists():
            return Run.open(candidate)
    names = ", ".join(run.name for run in runs(folder)) or "none yet"
    raise BadUse(f"no run {name!r}; choose from: latest, {names}")


def new_name(request: Request, now: datetime) -> str:
    """A name that sorts by time and says what was asked, e.g. ``20261123-204510-grouped_conv2d-quick-edge``."""
    what = "+".join(request.workloads)
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{what}-{request.suite}-{request.target.replace(':', '-')}"


def _append_whole(path: Path, text: bytes) -> None:
    """Append and flush. A torn line that a killed run left behind is ended first, so that it spoils nothing after it;
    what a full disk cuts short is taken back.
    """
    # Unbuffered: a buffer would write again what failed, when it is closed.
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        if end and _last_byte(path) != b"\n":
            text = b"\n" + text
        try:
            while text:
                text = text[file.write(text) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):  # What went wrong first is what the user must know.
                os.ftruncate(file.fileno(), end)
            raise


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


def _read_records(path: Path) -> Iterator[Record]:
    """The records of a file; each line that is none is told and skipped, never removed."""
    if not path.exists():
        return
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError:
            log.warning("%s line %d is cut off, as by a kill or a power cut; skipped", path, number)
            continue
        if isinstance(found, dict) and _newer(found):
            raise BadUse(
                f"{path} line {number} has schema {found['schema_version']}, and this featherbench reads {SCHEMA}: "
                "upgrade it, or start another run"
            )
        try:
            yield Record.model_validate(found)
        except ValidationError:
            log.warning("%s line %d is not a record of featherbench; skipped", path, number)


def _newer(found: dict[str, object]) -> bool:
    version = found.get("schema_version")
    return isinstance(version, int) and version > SCHEMA
