"""Packing of a run: its lines are rewritten as one Parquet file, byte for byte recoverable."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import RunError, UsageError
from bench.core.files import whole
from bench.store.lines import JSON_LINES, read_lines
from bench.store.parquet import PACKED, packed_bytes, read_packed
from bench.store.run import Run


@dataclass(frozen=True)
class Packing:
    """What packing did to a run."""

    lines: int
    """Lines in the Parquet file, superseded and unreadable ones included."""
    bytes_before: int
    """Size of the files with records."""
    bytes_after: int
    already_packed: bool
    """Whether there was nothing to do."""


def pack(run: Run) -> Packing:
    """Rewrite the lines of a run, all of them, as ``records.parquet``, and remove ``records.jsonl``.

    A run can be packed again after records were added. Killed at any instant, packing leaves either the files from
    before, or the new Parquet file beside the lines that it holds, which the next packing then removes.

    Raises:
        UsageError: where another process is adding to the run, or the run has no records.
        RunError: where the Parquet file cannot be written.
    """
    with run.locked():
        packed = read_packed(run.folder / PACKED)
        appended = read_lines(run.folder / JSON_LINES)
        bytes_before = _size(run.folder)
        if not packed and not appended:
            raise UsageError(f"run {run.name} has no records to pack")
        lines = packed + appended[_count_repeated(packed, appended) :]
        if appended:
            _replace(run.folder, lines)
        return Packing(len(lines), bytes_before, _size(run.folder), already_packed=not appended)


def _count_repeated(packed: Sequence[bytes], appended: Sequence[bytes]) -> int:
    """Return how many lines at the start of ``appended`` are those that ``packed`` ends with, as after a kill."""
    counts = range(min(len(packed), len(appended)), 0, -1)
    return next((count for count in counts if packed[-count:] == appended[:count]), 0)


def _replace(folder: Path, lines: Sequence[bytes]) -> None:
    """Write the Parquet file, and remove the other one when the written file has been read and gave the same lines."""
    try:
        with whole(folder / PACKED) as file:
            file.write(packed_bytes(lines))
            file.flush()
            if read_packed(Path(file.name)) != lines:
                raise RunError(f"{folder / PACKED} does not read back as it was written; no record is lost")
        _flush(folder)
        (folder / JSON_LINES).unlink()
    except OSError as error:
        raise RunError(f"cannot pack {folder}: {error.strerror}; no record is lost") from None


def _flush(folder: Path) -> None:
    """Make sure that the new name of a file in ``folder`` is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(folder: Path) -> int:
    """Return the size of the files with records, bytes."""
    return sum(path.stat().st_size for path in (folder / PACKED, folder / JSON_LINES) if path.exists())
