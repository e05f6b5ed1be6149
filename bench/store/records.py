"""The records of a run, read from its lines."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from bench.core.record import Record
from bench.core.schema1 import upgraded_record
from bench.store.lines import read_lines
from bench.store.schema import refuse_newer

log = logging.getLogger("featherbench")


def read_records(path: Path, machine: str) -> Iterator[Record]:
    """Yield the records of a file, superseded ones included; a line that is no record is logged and skipped.

    A record of schema 1, which names no machine, is attributed to ``machine``.

    Raises:
        UsageError: where a newer release wrote a line, or the file cannot be read.
    """
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            stored = json.loads(line)
        except ValueError:
            log.warning("%s line %d is cut off, as by a kill or a power cut; skipped", path, number)
            continue
        refuse_newer(stored, f"{path} line {number}")
        try:
            old = isinstance(stored, dict) and stored.get("schema_version") == 1
            yield Record.model_validate(upgraded_record(stored, machine) if old else stored)
        except (ValidationError, LookupError, TypeError, AttributeError):
            log.warning("%s line %d is not a record of featherbench; skipped", path, number)
