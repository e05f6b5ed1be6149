"""What recipes work with: records by query, their means, and published numbers with the claims that quote them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from bench.claims.cells import CellResult
from bench.claims.decide import CONFIDENCE
from bench.claims.evidence import RecordRef, references
from bench.claims.machines import MachineKind, NewestRecords, by_machine
from bench.claims.measured import measured_cells, with_baselines
from bench.claims.model import ClaimsFile, Measure
from bench.claims.outcome import Outcome
from bench.claims.published import Cell, Cells
from bench.claims.units import Unit, parse_unit
from bench.paper.conclusion import verdicts_text
from bench.paper.content import Measured, Quoted, VerdictCounts
from bench.report.query import Match, Query
from bench.stats.interval import Interval
from bench.stats.ratios import mean_over_cases
from bench.store import Run


@dataclass(frozen=True)
class PaperData:
    """The claims of a paper, their outcomes, and the runs that they were decided from."""

    claims: ClaimsFile
    outcomes: Sequence[Outcome]
    runs: Sequence[Run]
    machine: MachineKind | None = None
    """The kind of machine whose records are taken; ``by_machine`` chooses it."""

    def by_machine(self, query: Query) -> dict[MachineKind, Self]:
        """Return the data of each kind of machine on which a record of a query passed."""
        kinds = by_machine(match for match in query.select(self.runs) if match.record.latency)
        return {kind: replace(self, machine=kind) for kind in kinds}

    def select(self, query: Query) -> list[Match]:
        """Return the newest records that a query describes, on the chosen kind of machine."""
        matches = self._matches(query)
        newest = NewestRecords(matches)
        return [match for match in matches if newest.newest(match.record.key) is match]

    def cells(self, query: Query, measure: Measure) -> list[CellResult]:
        """Return the cells of a query that have an interval, on the chosen kind of machine."""
        records = NewestRecords(self._matches(with_baselines(query, measure)))
        return [cell for cell in measured_cells(query, measure, records) if cell.at]

    def _matches(self, query: Query) -> list[Match]:
        return by_machine(query.select(self.runs)).get(self.machine, []) if self.machine else []

    def number(self, cell: CellResult, unit: str, least_digits: int = 0) -> Measured:
        """Return the number of a cell that has an interval, at 95 % confidence."""
        assert cell.at is not None  # as of every cell that ``cells`` returns
        return _create_number(cell.at(CONFIDENCE), parse_unit(unit), references(cell.matches), least_digits)

    def mean(self, query: Query, measure: Measure, unit: str = "x") -> Measured | None:
        """Return the geometric mean over the cells of a query, with their number; None where there are none."""
        cells = self.cells(query, measure)
        if not cells:
            return None
        interval = mean_over_cases([cell.at(CONFIDENCE) for cell in cells if cell.at])
        records = references(match for cell in cells for match in cell.matches)
        return replace(_create_number(interval, parse_unit(unit), records), cases=len(cells))

    def outcomes_of(self, claim: str) -> list[Outcome]:
        """Return the outcomes of a claim, one for each kind of machine, or for each of its cells there."""
        return [outcome for outcome in self.outcomes if outcome.claim.id == claim]

    def verdict_counts(self, claim: str) -> VerdictCounts:
        """Return how many verdicts of each kind there are on a claim."""
        return VerdictCounts(verdicts_text(outcome.verdict for outcome in self.outcomes_of(claim)), claim)

    def quote(self, table: str, row: str, column: str) -> Quoted | None:
        """Return a published number of a table; None where the table has none there."""
        cells = self.claims.cells(Cells(table=table, rows=(row,), columns=(column,)))
        return Quoted(cells[0].text(), self._claims_by_cell.get(cells[0], "")) if cells else None

    def published_value(self, table: str, row: str, column: str) -> float | None:
        """Return the value of a published number, in its column's unit; None where the table has none there."""
        cells = self.claims.cells(Cells(table=table, rows=(row,), columns=(column,)))
        return float(cells[0].number.value) if cells else None

    @cached_property
    def _claims_by_cell(self) -> dict[Cell, str]:
        """The id of the first claim that quotes each published number."""
        by_cell: dict[Cell, str] = {}
        for outcome in self.outcomes:
            for cell in outcome.published:
                by_cell.setdefault(cell, outcome.claim.id)
        return by_cell


def _create_number(interval: Interval, unit: Unit, records: tuple[RecordRef, ...], least_digits: int = 0) -> Measured:
    """Return a measured number; ``interval`` is in the base unit of the unit's dimension."""
    ends = (interval.estimate / unit.scale, interval.low / unit.scale, interval.high / unit.scale)
    return Measured(Interval(*ends, interval.confidence), unit, records, least_digits)
