"""The records of a run, read from its lines."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from bench.core.record import Record
from bench.core.schema1 import upgraded_record
from bench.store.lines import JSON_LINES, read_lines
from bench.store.parquet import PACKED, read_packed
from bench.store.schema import refuse_newer

log = logging.getLogger("featherbench")


def read_records(folder: Path, machine: str) -> Iterator[Record]:
    """Yield the records of a run, packed ones first, superseded ones included; a line that is no record is logged.

    A record of schema 1, which names no machine, is attributed to ``machine``. Where packing was killed just before it
    removed the lines that it had packed, their records come twice, which changes nothing about the latest of each key.

    Raises:
        UsageError: where a newer release wrote a line, or a file cannot be read.
    """
    # In the opposite order, packing could end between the two readings, and neither would see the records.
    appended = read_lines(folder / JSON_LINES)
    packed = read_packed(folder / PACKED)
    yield from _records(packed, folder / PACKED, machine)
    yield from _records(appended, folder / JSON_LINES, machine)


def _records(lines: Sequence[bytes], path: Path, machine: str) -> Iterator[Record]:
    for line_number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            stored = json.loads(line)
        except ValueError:
            log.warning("%s line %d is cut off, as by a kill or a power cut; skipped", path, line_number)
            continue
        refuse_newer(stored, f"{path} line {line_number}")
        try:
            old = isinstance(stored, dict) and stored.get("schema_version") == 1
            yield Record.model_validate(upgraded_record(stored, machine) if old else stored)
        except (ValidationError, LookupError, TypeError, AttributeError):
            log.warning("%s line %d is not a record of featherbench; skipped", path, line_number)
