"""The parts that tables of the report consist of."""

from dataclasses import dataclass
from typing import NamedTuple


class Column(NamedTuple):
    """The head of a column."""

    heading: str
    numeric: bool = True
    hint: str = ""


class Cell(NamedTuple):
    """A cell of a table that can be sorted."""

    text: str
    value: str
    """Value to sort by; empty where missing, which always comes last."""
    aside: str = ""
    """Small print below the text."""


class GridCell(NamedTuple):
    """The text of a cell of a small table."""

    text: str
    aside: str = ""
    """Small print below the text."""


@dataclass(frozen=True)
class Grid:
    """A small table of texts; its first column names the lines."""

    columns: list[Column]
    lines: list[list[GridCell]]
