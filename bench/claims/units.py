"""Units of published and measured values."""

import math
import re
from typing import NamedTuple

_NO_BREAK = "\u00a0"
_SIGNIFICANT = 3
"""Least number of significant digits that are shown."""


class Unit(NamedTuple):
    """A unit: ``scale`` is its size in base units of its dimension."""

    name: str
    dimension: str
    scale: float

    def text(self, value: float, digits: int) -> str:
        """Return a value in this unit as text, to ``digits`` decimals."""
        name = "×" if self.name == "x" else self.name
        return _NO_BREAK.join(filter(None, (decimal(value, digits), name)))


def decimal(value: float, digits: int) -> str:
    """Return a number to ``digits`` decimals, with the signs for minus and infinity."""
    return f"{value:,.{digits}f}".replace("-", "−").replace("inf", "∞")


def digits_for(value: float, least: int = 0) -> int:
    """Return how many decimals show three significant digits of ``value``, but at least ``least``."""
    if value == 0 or not math.isfinite(value):
        return least
    return max(least, _SIGNIFICANT - 1 - math.floor(math.log10(abs(value))))


_PLAIN = {
    "x": ("ratio", 1.0),
    "%": ("fraction", 0.01),
    "points": ("fraction", 0.01),
    "ns": ("time", 1.0),
    "µs": ("time", 1e3),
    "ms": ("time", 1e6),
    "s": ("time", 1e9),
    "GOP/s": ("speed", 1e9),
    "images/s": ("throughput", 1.0),
    "groups": ("count", 1.0),
    "": ("number", 1.0),
}
_COUNTED = ("parameters", "MACs", "epochs", "bytes")
"""What is counted, each a dimension of its own."""
_PREFIXES = {"": 1.0, "K ": 1e3, "M ": 1e6, "G ": 1e9}


def parse_unit(text: str) -> Unit:
    """Return the unit that ``text`` names, such as ``%``, ``ms`` or ``M parameters``.

    Raises:
        ValueError: where there is no such unit; the message lists the choices.
    """
    if text in _PLAIN:
        return Unit(text, *_PLAIN[text])
    match = re.fullmatch(r"((?:[KMG] )?)(\S+)", text)
    if not match or match[2] not in _COUNTED:
        plain = ", ".join(name or '"" (a pure number)' for name in _PLAIN)
        raise ValueError(f"no unit {text!r}; choose from {plain}, or K, M or G of {', '.join(_COUNTED)}")
    return Unit(text, match[2], _PREFIXES[match[1]])


def dimension_text(dimension: str) -> str:
    """Return a dimension with its article, such as ``a time`` or ``a number of epochs``."""
    return f"a number of {dimension}" if dimension in _COUNTED else f"a {dimension}"
