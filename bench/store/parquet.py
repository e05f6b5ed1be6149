"""Lines of records as a Parquet file: a row for each line, with its arrays in columns of numbers.

The columns are ``text``, the line without its arrays; ``calls``, the number of calls behind each sample; and three
lists of arrays: ``totals_ns``, the times of all calls of each sample, which are whole numbers; ``float32``, values that
have this precision, such as losses; and ``float64``, the rest. Each array stands in one of them; the others have null.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.core.errors import UsageError
from bench.core.record import SCHEMA
from bench.store.arrays import CutLine
from bench.store.schema import refuse_newer

PACKED = "records.parquet"

_SCHEMA_KEY, _HASH_KEY = b"featherbench_schema", b"featherbench_sha256"
"""Keys of the file's metadata: the schema of the release that wrote it, and the hash of its lines."""
_CALLS = re.compile(rb'"(?:calls_per_sample|inner)":(\d{1,9})')
"""The calls behind each sample; ``inner`` in schema 1."""
_NUMBERS = ".list.element.list.element"
"""What Parquet appends to the name of a column for the numbers in its lists of arrays."""
_ENCODINGS = {
    "text": "PLAIN",
    "calls": "PLAIN",
    # Separate streams for the bytes of a number: the lowest are noise, and the highest hardly vary.
    f"totals_ns{_NUMBERS}": "BYTE_STREAM_SPLIT",
    f"float32{_NUMBERS}": "BYTE_STREAM_SPLIT",
    f"float64{_NUMBERS}": "PLAIN",  # Values such as accuracies recur, which separate streams would hide.
}
_ZSTD_LEVEL = 19
_PAGE_BYTES = 64 << 20
"""Size of a page, within which zstd finds what lines have in common: one page for each column of most runs."""
_EXACT = 2**53
"""Floats hold every whole number up to this one."""


class _Numbers(NamedTuple):
    """An array in the one of three forms that takes the least space and is exact; the others are None."""

    totals_ns: list[int] | None = None
    float32: list[float] | None = None
    float64: list[float] | None = None


def packed_bytes(lines: Sequence[bytes]) -> bytes:
    """Return the content of a Parquet file of these lines, at least one, which need not be JSON."""
    import pyarrow as pa  # slow to import, and only needed for packed runs
    from pyarrow import parquet

    cut = [CutLine.cut(line) for line in lines]
    calls = [int(match[1]) if (match := _CALLS.search(line.text)) else 1 for line in cut]
    rows = [[_numbers(array, count) for array in line.arrays] for line, count in zip(cut, calls, strict=True)]
    numbers = ([[array[index] for array in row] for row in rows] for index in range(len(_Numbers._fields)))
    sink = pa.BufferOutputStream()
    parquet.write_table(
        pa.table(
            [[line.text for line in cut], calls, *numbers],
            schema=_columns().with_metadata({_SCHEMA_KEY: str(SCHEMA), _HASH_KEY: _hash(lines)}),
        ),
        sink,
        row_group_size=len(lines),
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=False,
        column_encoding=_ENCODINGS,
        data_page_size=_PAGE_BYTES,
        write_page_checksum=True,
        write_statistics=False,
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content


def read_packed(path: Path) -> list[bytes]:
    """Return the lines of a Parquet file; none where there is no such file.

    Raises:
        UsageError: where the file is damaged, holds something else, or was written by a newer release.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    import pyarrow as pa  # slow to import, and only needed for packed runs
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        metadata = file.metadata.metadata or {}
        if _SCHEMA_KEY not in metadata:
            raise ValueError("featherbench did not write it")
        refuse_newer({"schema_version": int(metadata[_SCHEMA_KEY])}, str(path))
        table = file.read()
        if not table.schema.equals(_columns()):
            raise ValueError("its columns are not those that featherbench writes")
        lines = list(_lines(table))
        if _hash(lines) != metadata[_HASH_KEY]:
            raise ValueError("its lines are not those that were packed")
        return lines
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{path} is damaged, or holds no packed records ({reason}); restore it from a copy") from None


def _hash(lines: Sequence[bytes]) -> bytes:
    return sha256(b"\n".join(lines)).hexdigest().encode()


def _columns() -> Any:
    """Return Arrow's schema of the columns."""
    import pyarrow as pa

    forms = _Numbers(pa.int64(), pa.float32(), pa.float64())._asdict()
    arrays = [(name, pa.list_(pa.list_(form))) for name, form in forms.items()]
    return pa.schema([("text", pa.binary()), ("calls", pa.int32()), *arrays])


def _numbers(array: Sequence[float], calls: int) -> _Numbers:
    """Return the array in the first form that gives exactly its numbers again; ``calls`` need not be right."""
    values = np.array(array)
    with np.errstate(all="ignore"):
        totals = np.rint(values * calls)
        if np.all((totals > 0) & (totals < _EXACT) & (totals / calls == values)):
            return _Numbers(totals_ns=totals.astype(np.int64).tolist())
        if np.all(values.astype(np.float32) == values):
            return _Numbers(float32=list(array))
    return _Numbers(float64=list(array))


def _lines(table: Any) -> Iterator[bytes]:
    texts, calls = table["text"].to_pylist(), table["calls"].to_pylist()
    for text, count, *forms in zip(texts, calls, *(_nested(table[name]) for name in _Numbers._fields), strict=True):
        yield CutLine(text, tuple(_array(_Numbers(*form), count) for form in zip(*forms, strict=True))).whole()


def _array(numbers: _Numbers, calls: int) -> list[float]:
    if numbers.totals_ns is not None:
        return [total / calls for total in numbers.totals_ns]
    array = numbers.float64 if numbers.float32 is None else numbers.float32
    if array is None:
        raise ValueError("an array is missing")
    return array


def _nested(column: Any) -> list[list[list[Any] | None]]:
    """Return a column of lists of arrays; much faster than its ``to_pylist``."""
    lists = column.combine_chunks()
    arrays = lists.values
    numbers = arrays.values.to_numpy().tolist()
    bounds = zip(arrays.is_valid().to_pylist(), pairwise(arrays.offsets.to_pylist()), strict=True)
    parts = [numbers[start:end] if valid else None for valid, (start, end) in bounds]
    return [parts[start:end] for start, end in pairwise(lists.offsets.to_pylist())]
