"""Quantities as a user writes them: durations, sizes of memory, shares."""

import re
from collections.abc import Mapping

from bench.core.errors import UsageError

MIN_MEMORY_BYTES = 16 << 20
"""Smallest memory limit: with less, not even the harness's own part of a worker runs."""


def parse_seconds(text: str) -> float:
    """Parse a duration such as ``90s``, ``1.5m`` or ``500ms``, or plain seconds; return seconds.

    Raises:
        UsageError: where ``text`` is no positive duration.
    """
    return _quantity(text, {"": 1, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}, "a time such as 90s, 500ms or 2m")


def parse_bytes(text: str) -> int:
    """Parse a memory limit such as ``512MiB`` or ``4GiB``, or plain bytes; return bytes.

    Raises:
        UsageError: where ``text`` is no size, or less than MIN_MEMORY_BYTES.
    """
    units = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
    size_bytes = int(_quantity(text, units, "a size such as 512MiB or 4GiB"))
    if size_bytes < MIN_MEMORY_BYTES:
        raise UsageError(f"{text!r} is too little for any worker; give at least {MIN_MEMORY_BYTES >> 20}MiB")
    return size_bytes


def parse_fraction(text: str) -> float:
    """Parse a share such as ``5%`` or ``0.05``; return a fraction.

    Raises:
        UsageError: where ``text`` is no positive share below 100 %.
    """
    fraction = _quantity(text, {"": 1, "%": 0.01}, "a share such as 5%")
    if fraction >= 1:
        raise UsageError(f"{text!r} is 100 % or more; write a share such as 5% or 0.05")
    return fraction


def _quantity(text: str, units: Mapping[str, float], description: str) -> float:
    """Parse a positive number with one of ``units``; raise UsageError where ``text`` is no such ``description``."""
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*(\D*)", text)
    if not match or match[2] not in units or float(match[1]) == 0:
        raise UsageError(f"{text!r} is not {description}")
    return float(match[1]) * units[match[2]]
