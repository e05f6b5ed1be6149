"""What a recipe makes: tables of published, measured and computed numbers, and figures with their data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure as Drawing

from bench.claims.evidence import RecordRef
from bench.claims.units import Unit, decimal, digits_for
from bench.stats.interval import Interval


@dataclass(frozen=True)
class Measured:
    """A measured number with its interval, and the records that it comes from."""

    interval: Interval
    """In ``unit``."""
    unit: Unit
    records: tuple[RecordRef, ...]
    least_digits: int = 0
    """Decimals to show at least, as many as the published number beside it has."""
    cases: int | None = None
    """The number of cases that it is a mean over; None where it is no mean."""

    @property
    def text(self) -> str:
        """The estimate with its unit."""
        return self.unit.text(self.interval.estimate, self._digits)

    @property
    def ends(self) -> str:
        """The ends of the interval; empty where it is a point."""
        if self.interval.low == self.interval.high:
            return ""
        return f"{decimal(self.interval.low, self._digits)} to {decimal(self.interval.high, self._digits)}"

    @property
    def _digits(self) -> int:
        """Decimals for three digits of the estimate, but for one or two of the interval's width where it has one."""
        digits = digits_for(self.interval.estimate)
        width = self.interval.high - self.interval.low
        if 0 < width < math.inf:
            of_width = digits_for(width)
            digits = min(max(digits, of_width - 2), of_width - 1, digits + 2)
        return max(digits, self.least_digits, 0)


@dataclass(frozen=True)
class Quoted:
    """A published number."""

    text: str
    claim: str
    """The id of the claim that quotes it; empty where none does."""


@dataclass(frozen=True)
class Computed:
    """A number that follows by formula, without any record."""

    text: str


@dataclass(frozen=True)
class VerdictCounts:
    """The verdicts on a claim, counted, in words."""

    text: str
    claim: str
    """The claim's id."""


TableCell = str | Measured | Quoted | Computed | VerdictCounts
"""What a table may hold; a text is a name, never a number."""
Sentence = Sequence[TableCell]
"""A sentence as a chain of texts and numbers; what it says in numbers is not a text."""


@dataclass(frozen=True)
class Table:
    """A regenerated table; its first column names the rows."""

    name: str
    """Name of its files."""
    title: str
    caption: str
    columns: list[str]
    rows: list[list[TableCell]]


@dataclass(frozen=True)
class Figure:
    """A regenerated figure."""

    name: str
    """Name of its files."""
    title: str
    caption: str
    alt_text: str
    """What it shows, for those who cannot see it."""
    drawing: Drawing
    data: pd.DataFrame
    """What is drawn, one row for each mark."""
    records: tuple[RecordRef, ...] = field(default=())


@dataclass(frozen=True)
class Chapter:
    """A part of the page that only this paper has: sentences, tables and figures, in this order."""

    name: str
    """Its anchor on the page; letters, digits and hyphens."""
    title: str
    sentences: Sequence[Sentence] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
