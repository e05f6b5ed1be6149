"""The files of a paper's tables and figures: CSV, SVG and PDF."""

from collections.abc import Iterator, Sequence
from csv import writer
from io import StringIO

from bench.paper.content import Figure, Measured, Table, TableCell
from bench.paper.drawing import save_figure

_PARTS = ("low", "high", "unit", "cases", "records")
"""What stands beside a measured number, each in a column of its own."""


def content_files(tables: Sequence[Table], figures: Sequence[Figure]) -> dict[str, bytes]:
    """Return the content of each file by its name."""
    files = {f"{table.name}.csv": _csv(table).encode() for table in tables}
    for figure in figures:
        files[f"{figure.name}.svg"] = save_figure(figure.drawing, "svg")
        files[f"{figure.name}.pdf"] = save_figure(figure.drawing, "pdf")
        files[f"{figure.name}.csv"] = figure.data.to_csv(index=False).encode()
    return files


def _csv(table: Table) -> str:
    """Return a table as CSV.

    A column with measured numbers has their ends, unit, number of cases and records' digests beside it.
    """
    measured = {index for row in table.rows for index, cell in enumerate(row) if isinstance(cell, Measured)}
    text = StringIO()
    lines = writer(text, lineterminator="\n")
    lines.writerow(
        name
        for index, column in enumerate(table.columns)
        for name in (column, *(f"{column}: {part}" for part in _PARTS if index in measured))
    )
    for row in table.rows:
        lines.writerow(part for index, cell in enumerate(row) for part in _parts(cell, index in measured))
    return text.getvalue()


def _parts(cell: TableCell, measured: bool) -> Iterator[str]:
    """Yield the parts of a cell, as many as its column has."""
    if isinstance(cell, Measured):
        yield from (repr(end) for end in (cell.interval.estimate, cell.interval.low, cell.interval.high))
        yield cell.unit.name
        yield "" if cell.cases is None else str(cell.cases)
        yield " ".join(ref.digest for ref in cell.records)
    else:
        yield cell if isinstance(cell, str) else cell.text
        yield from [""] * len(_PARTS) if measured else []
