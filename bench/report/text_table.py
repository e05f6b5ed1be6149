"""Small tables of texts for the report."""

from dataclasses import dataclass
from typing import NamedTuple

from bench.report.table import Column


class Text(NamedTuple):
    """The text of a cell."""

    text: str
    aside: str = ""
    """Small print below the text."""


@dataclass(frozen=True)
class TextTable:
    """A table of texts; its first column names the lines."""

    columns: list[Column]
    lines: list[list[Text]]
