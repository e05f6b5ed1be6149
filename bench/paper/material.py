"""What recipes work with: records by query, their means, and published numbers with the claims that quote them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from bench.claims.cells import MeasuredCell, measured_cells
from bench.claims.evaluate import CONFIDENCE, Outcome
from bench.claims.evidence import RecordRef, reference
from bench.claims.model import ClaimsFile, Measure
from bench.claims.published import Cell, Cells
from bench.claims.units import Unit, parse_unit
from bench.paper.content import Measured, Quoted
from bench.report.query import Match, Query
from bench.stats.interval import Interval
from bench.stats.ratios import mean_over_cases
from bench.store import Run


@dataclass(frozen=True)
class Material:
    """The claims of a paper, their outcomes, and the runs that they were decided from."""

    claims: ClaimsFile
    outcomes: Sequence[Outcome]
    runs: Sequence[Run]

    def select(self, query: Query) -> list[Match]:
        """Return the records that a query describes."""
        return query.select(self.runs)

    def by_run(self, query: Query) -> dict[str, Self]:
        """Return the material of each run that has records of a query, by the run's name."""
        names = {match.run.name for match in self.select(query) if match.record.latency}
        return {run.name: replace(self, runs=[run]) for run in self.runs if run.name in names}

    def cells(self, query: Query, measure: Measure) -> list[MeasuredCell]:
        """Return the cells of a query that have an interval."""
        return [cell for cell in measured_cells(query, measure, self.runs) if cell.at]

    def value(self, cell: MeasuredCell, unit: str, least_digits: int = 0) -> Measured:
        """Return the number of a cell that has an interval, at 95 % confidence."""
        assert cell.at is not None  # as of every cell that ``cells`` returns
        return measured(cell.at(CONFIDENCE), parse_unit(unit), references(cell.matches), least_digits)

    def mean(self, query: Query, measure: Measure, unit: str = "x") -> Measured | None:
        """Return the geometric mean over the cells of a query; None where there are none."""
        cells = self.cells(query, measure)
        if not cells:
            return None
        interval = mean_over_cases([cell.at(CONFIDENCE) for cell in cells if cell.at])
        return measured(interval, parse_unit(unit), references(match for cell in cells for match in cell.matches))

    def outcome(self, claim: str) -> Outcome:
        """Return the single outcome of a claim."""
        (outcome,) = (outcome for outcome in self.outcomes if outcome.claim.id == claim)
        return outcome

    def outcomes_of(self, claim: str) -> list[Outcome]:
        """Return the outcomes of a claim, one for each of its cells."""
        return [outcome for outcome in self.outcomes if outcome.claim.id == claim]

    def quoted(self, table: str, row: str, column: str) -> Quoted:
        """Return a published number of a table."""
        (cell,) = self.claims.cells(Cells(table=table, rows=(row,), columns=(column,)))
        return Quoted(cell.text(), self.claim_of(cell))

    def published_value(self, table: str, row: str, column: str) -> float:
        """Return the value of a published number, in its column's unit."""
        (cell,) = self.claims.cells(Cells(table=table, rows=(row,), columns=(column,)))
        return float(cell.number.value)

    def quoted_or_none(self, table: str, row: str, column: str) -> Quoted | None:
        """Return a published number of a table; None where it is not known."""
        return self.quoted(table, row, column) if (table, row, column) in self._claims_by_cell else None

    def claim_of(self, cell: Cell) -> str:
        """Return the id of the first claim that quotes a published number."""
        return self._claims_by_cell[cell.table, cell.row, cell.column]

    @cached_property
    def _claims_by_cell(self) -> dict[tuple[str, str, str], str]:
        by_cell: dict[tuple[str, str, str], str] = {}
        for outcome in self.outcomes:
            for cell in outcome.published:
                by_cell.setdefault((cell.table, cell.row, cell.column), outcome.claim.id)
        return by_cell


def references(matches: Iterable[Match]) -> tuple[RecordRef, ...]:
    """Return references to records, each once and in order."""
    return tuple(sorted({reference(match) for match in matches}))


def measured(interval: Interval, unit: Unit, records: tuple[RecordRef, ...], least_digits: int = 0) -> Measured:
    """Return a measured number; ``interval`` is in the base unit of the unit's dimension."""
    ends = (interval.estimate / unit.scale, interval.low / unit.scale, interval.high / unit.scale)
    return Measured(Interval(*ends, interval.confidence), unit, records, least_digits)
