"""A file of lines, which are appended one by one and never changed."""

import os
from contextlib import suppress
from pathlib import Path

from bench.core.errors import UsageError

JSON_LINES = "records.jsonl"


def append_lines(path: Path, text: bytes) -> None:
    """Append ``text``, which is whole lines, and flush it to disk.

    A torn line that a killed run left behind is ended first, so that it does not spoil the next. Text that a full disk
    cuts short is removed again.

    Raises:
        OSError: where the text cannot be written.
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


def read_lines(path: Path) -> list[bytes]:
    """Return the lines without their ends; none where there is no such file.

    Raises:
        UsageError: where the file cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    return lines if lines[-1] else lines[:-1]


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
