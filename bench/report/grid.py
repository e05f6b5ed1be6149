"""The parts that tables of the report consist of."""

from dataclasses import dataclass
from typing import NamedTuple


class Column(NamedTuple):
    """The head of a column."""

    heading: str
    numeric: bool = True
    hint: str = ""


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
