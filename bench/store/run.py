"""A run's folder: its description and its records."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from bench.core.errors import RunError, UsageError
from bench.core.files import write_whole
from bench.core.record import Key, Record
from bench.store.info import RunInfo, read_info
from bench.store.lines import JSON_LINES, append_lines
from bench.store.records import read_records


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
        return cls(folder, read_info(folder / "run.json"))

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def records(self) -> list[Record]:
        """The current records: the latest of each key."""
        return list(self._current.values())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from adding to the run, and from packing it, until the block ends.

        Raises:
            UsageError: where another process is doing so already.
        """
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._current = self._read()
            yield
        except BlockingIOError:
            raise UsageError(
                f"another process is measuring or packing {self.folder}; wait for it, or measure under another --name"
            ) from None
        finally:
            os.close(descriptor)

    def append(self, records: Sequence[Record]) -> None:
        """Add records, which are safe on disk when this returns.

        Raises:
            RunError: where they cannot be written.
        """
        path = self.folder / JSON_LINES
        text = "".join(record.model_dump_json() + "\n" for record in records).encode()
        try:
            append_lines(path, text)
        except OSError as error:
            raise RunError(
                f"cannot write to {path}: {error.strerror}; the {len(self._current)} records before are safe. "
                "Make room and go on with --resume"
            ) from None
        for record in records:
            self._current[record.key] = record

    def _read(self) -> dict[Key, Record]:
        """Return the latest record of each key in the folder."""
        machine = next(iter(self.info.machines))
        return {record.key: record for record in read_records(self.folder, machine)}
