"""What a paper printed: tables of numbers, single numbers, and ranges, each as precise as it was printed."""

import math
from collections.abc import Sequence
from decimal import Decimal
from statistics import NormalDist
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bench.claims.units import Unit, parse_unit
from bench.core.errors import UsageError
from bench.stats.interval import Interval
from bench.stats.student import t_quantile


class Strict(BaseModel):
    """Base of the parts of a claims file: unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _known_unit(text: str) -> str:
    return parse_unit(text).name


UnitName = Annotated[str, AfterValidator(_known_unit)]
"""A text that ``parse_unit`` reads."""


class Number(Strict):
    """A printed number, with its spread over runs where that was printed too."""

    value: Decimal
    spread: Decimal | None = None
    """Standard deviation over ``runs``."""
    runs: int | None = Field(default=None, ge=2)

    @model_validator(mode="after")
    def _spread_has_runs(self) -> Self:
        if (self.spread is None) != (self.runs is None):
            raise ValueError("spread and runs go together; give both or neither")
        return self

    @property
    def digits(self) -> int:
        """The number of decimals that were printed."""
        exponent = self.value.as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 0

    @property
    def rounded(self) -> Interval:
        """What rounds to the printed digits, with a confidence of 1."""
        value, half = float(self.value), 0.5 * 10.0**-self.digits
        return Interval(value, value - half, value + half, 1.0)


def _cell(value: Any) -> Any:
    """Return a cell of a table as pydantic takes it: a number, a table with ``value``, or "" where nothing is known."""
    if value == "":
        return None
    if isinstance(value, dict):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f'{value!r} is no number; write "" for a cell that is not known')
    return {"value": value}


CellValue = Annotated[Number | None, BeforeValidator(_cell)]


class Cell(NamedTuple):
    """A printed number of a table."""

    table: str
    row: str
    column: str
    number: Number
    unit: Unit
    tested: int | None = None
    """For an accuracy of a single training, the size of the test set."""

    @property
    def name(self) -> str:
        """The row and column, which tell it from the table's other cells."""
        return f"{self.row}, {self.column}"

    def interval(self, confidence: float) -> Interval:
        """Return the values that the printed number may stand for, in its unit.

        With a spread, this is Student's interval of the mean over runs. For an accuracy on a test set of known size, it
        is the normal approximation of the binomial distribution. Otherwise it is what rounds to the printed digits,
        with a confidence of 1.
        """
        value, number = float(self.number.value), self.number
        if number.spread is not None and number.runs is not None:
            reach = t_quantile(confidence, number.runs - 1) * float(number.spread) / math.sqrt(number.runs)
        elif self.tested is not None:
            fraction = value * self.unit.scale
            deviation = math.sqrt(fraction * (1 - fraction) / self.tested)
            reach = NormalDist().inv_cdf((1 + confidence) / 2) * deviation / self.unit.scale
        else:
            return number.rounded
        return Interval(value, value - reach, value + reach, confidence)

    def text(self) -> str:
        """Return the number as printed, with its unit."""
        return self.unit.text(float(self.number.value), self.number.digits)


class Table(Strict):
    """A published table: columns with units, and a list of cells for each row."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    where: str
    url: str | None = None
    """Its address, as that of a claim."""
    tested: int | None = Field(default=None, ge=1)
    """The number of items in the test set, where the table has accuracies of single trainings."""
    note: str = ""
    """What a reader should know about it; the project's words, not the paper's."""
    columns: dict[str, UnitName] = Field(min_length=1)
    rows: dict[str, list[CellValue]] = Field(min_length=1)

    @model_validator(mode="after")
    def _rows_are_complete(self) -> Self:
        for name, row in self.rows.items():
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {name!r} has {len(row)} cells and the table {len(self.columns)} columns; "
                    'write "" for a cell that is not known'
                )
        return self

    def cells(self, rows: Sequence[str] = (), columns: Sequence[str] = ()) -> list[Cell]:
        """Return the known cells of these rows and columns, row by row; empty sequences stand for all.

        Raises:
            UsageError: where there is no such row or column.
        """
        for wanted, there_are, what in ((rows, self.rows, "row"), (columns, self.columns, "column")):
            if unknown := [name for name in wanted if name not in there_are]:
                raise UsageError(f"table {self.id} has no {what} {unknown[0]!r}; choose from {', '.join(there_are)}")
        return [
            self._cell(row, column, number)
            for row in rows or self.rows
            for column, number in zip(self.columns, self.rows[row], strict=True)
            if number is not None and (not columns or column in columns)
        ]

    def _cell(self, row: str, column: str, number: Number) -> Cell:
        unit = parse_unit(self.columns[column])
        return Cell(self.id, row, column, number, unit, self.tested if unit.dimension == "fraction" else None)


class Cells(Strict):
    """A reference to cells of a table; without rows or columns, to all of them."""

    table: str
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


class Published(Strict):
    """What a claim says in numbers: one value, a range, cells of a table, or only a direction, in ``unit``."""

    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    unit: UnitName | None = None
    table: str | None = None
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_one_of_these(self) -> Self:
        ranged = self.low is not None or self.high is not None
        if sum((self.value is not None, ranged, self.table is not None)) > 1:
            raise ValueError("give one of: value, low and high, table")
        if (self.table is None) == (self.unit is None):
            raise ValueError("give a unit, or a table whose columns have units")
        if self.table is None and (self.rows or self.columns):
            raise ValueError("rows and columns need a table")
        return self

    @property
    def cells(self) -> Cells | None:
        """The cells that it refers to, where it does."""
        return Cells(table=self.table, rows=self.rows, columns=self.columns) if self.table else None

    def text(self) -> str:
        """Return a value or a range with its unit; empty where there is none."""
        if self.unit is None:
            return ""
        unit = parse_unit(self.unit)
        if self.value is not None:
            return unit.text(float(self.value), Number(value=self.value).digits)
        ends = [end for end in (self.low, self.high) if end is not None]
        if len(ends) == 2:
            return f"{ends[0]} to {unit.text(float(ends[1]), Number(value=ends[1]).digits)}"
        if not ends:
            return ""
        word = "at least" if self.low is not None else "at most"
        return f"{word} {unit.text(float(ends[0]), Number(value=ends[0]).digits)}"
