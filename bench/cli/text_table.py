"""Tables and sentences on stdout: laid out for reading on a terminal, plain in a pipe."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

MISSING = "-"
"""An empty cell of a table in a pipe, so that programs can count columns."""
_GAP = 2
"""Spaces between columns."""
_MIN_WIDTH = 20
"""Fewest characters in a line of sentences."""
_STYLES = {
    **dict.fromkeys(("faster", "better", "available"), "green"),
    **dict.fromkeys(("slower", "worse"), "red"),
    **dict.fromkeys(("cannot tell", "baseline"), "dim"),
}
"""Style of a cell by its text."""


@dataclass(frozen=True)
class TextTable:
    """Rows of texts under headings, in groups."""

    headings: Sequence[str]
    groups: Mapping[str, Sequence[Sequence[str]]]
    """The rows by the text that names their group; a table without groups has one with an empty text."""
    group_heading: str = ""
    """Heading of the column that names the groups in a pipe."""
    prose: bool = False
    """Whether the last column holds sentences, which a terminal wraps to the width that is left."""

    @property
    def rows(self) -> list[Sequence[str]]:
        return list(chain.from_iterable(self.groups.values()))

    def plain_lines(self) -> Iterator[str]:
        """Yield the headings and every row as a line of aligned columns, the second of them naming the row's group.

        Nothing is cut or wrapped, and two spaces or more stand between columns. Without groups there is no such column.
        """
        rows = [self.headings, *self.rows]
        if any(self.groups):
            groups = [self.group_heading, *(group for group, members in self.groups.items() for _ in members)]
            rows = [(row[0], group, *row[1:]) for row, group in zip(rows, groups, strict=True)]
        cells = [[_plain(cell) or MISSING for cell in row] for row in rows]
        widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
            yield (" " * _GAP).join(padded).rstrip()


class Printer:
    """Prints on a terminal, the ``console``, with styles and as wide as it is; without one, plainly on stdout."""

    def __init__(self, console: Console | None) -> None:
        self._console = console

    @classmethod
    def for_stdout(cls) -> "Printer":
        return cls(Console(highlight=False) if sys.stdout.isatty() else None)

    @property
    def plain(self) -> bool:
        """Whether programs may read what is printed."""
        return self._console is None

    def text(self, text: str = "", style: str = "") -> None:
        """Print a line; on a terminal it is wrapped at spaces."""
        if self._console is None:
            print(_plain(text))
        else:
            self._console.print(Text(text, style))

    def table(self, table: TextTable) -> None:
        """Print a table; on a terminal each group has its text on a line above its rows."""
        if self._console is None:
            print("\n".join(table.plain_lines()))
            return
        indent = _GAP if any(table.groups) else 0
        widths, narrow = _widths(table, self._console.width - indent)
        self._console.print(_grid([table.headings], widths, indent, narrow, "bold"))
        for group, rows in table.groups.items():
            if group:
                self._console.print(Text(group, "bold"))
            self._console.print(_grid(rows, widths, indent, narrow))


def _grid(rows: Sequence[Sequence[str]], widths: Sequence[int], indent: int, narrow: bool, style: str = "") -> Padding:
    grid = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    for width in widths:
        grid.add_column(width=width, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(_narrow(cell) if narrow else cell, _STYLES.get(cell, style)) for cell in row))
    return Padding(grid, (0, 0, 0, indent), expand=False)


def _widths(table: TextTable, available: int) -> tuple[list[int], bool]:
    """Return the width of each column, and whether intervals have to stand below their estimates to fit."""
    rows = [table.headings, *table.rows]
    widths = _natural_widths(rows)
    left = available - sum(widths[:-1]) - _GAP * (len(widths) - 1)
    if widths[-1] <= left:
        return widths, False
    if table.prose:
        return [*widths[:-1], max(left, _MIN_WIDTH)], False
    return _natural_widths([[_narrow(cell) for cell in row] for row in rows]), True


def _natural_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the width of the longest line of each column."""
    return [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in zip(*rows, strict=True)]


def _narrow(cell: str) -> str:
    """Return a cell with its interval on a line of its own."""
    return cell.replace(" [", "\n[")


def _plain(text: str) -> str:
    """Return ``text`` with ordinary spaces only, as a search for it would be written."""
    return text.replace("\u00a0", " ")
