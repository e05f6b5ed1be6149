"""Arrays of numbers, cut out of lines of JSON so that they can be stored as numbers, and put back exactly."""

import json
import re
from typing import NamedTuple, Self

_ARRAY = re.compile(rb"\[-?\d[\d.,eE+-]*\]")
_GAP = b"\0"
"""What stands in a text for an array that was cut out. No JSON has this byte."""


class CutLine(NamedTuple):
    """A line without its arrays. It need not be JSON: anything that looks like an array may be cut out."""

    text: bytes
    arrays: tuple[list[float], ...] = ()
    """The samples of each round, and other arrays of floats, which belong in the gaps of ``text`` in this order."""

    @classmethod
    def cut(cls, line: bytes) -> Self:
        """Cut out the arrays of floats that can be put back byte for byte."""
        if _GAP in line:
            return cls(line)
        arrays: list[list[float]] = []

        def gap(match: re.Match[bytes]) -> bytes:
            array = _floats(match[0])
            if array is None:
                return match[0]
            arrays.append(array)
            return _GAP

        return cls(_ARRAY.sub(gap, line), tuple(arrays))

    def whole(self) -> bytes:
        """Return the line, with its arrays."""
        if not self.arrays:
            return self.text
        first, *parts = self.text.split(_GAP)
        return first + b"".join(_text(array) + part for array, part in zip(self.arrays, parts, strict=True))


def _floats(text: bytes) -> list[float] | None:
    """Return the array, if it is one of floats and written as ``_text`` writes it."""
    try:
        array: list[float] = json.loads(text)
    except ValueError:
        return None
    return array if all(type(value) is float for value in array) and _text(array) == text else None


def _text(array: list[float]) -> bytes:
    """Return an array as pydantic writes it, apart from small exponents, where it has 1e-7 for 1e-07.

    It is written here since another release of pydantic might do it in another way.
    """
    return f"[{','.join(map(repr, array))}]".encode()
