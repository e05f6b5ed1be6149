"""The outcome of a claim: its verdict, what it was decided on, and the evidence."""

from dataclasses import dataclass
from typing import NamedTuple

from bench.claims.cells import Basis
from bench.claims.evidence import Evidence, RecordRef
from bench.claims.machines import MachineKind
from bench.claims.model import Claim
from bench.claims.published import Cell
from bench.claims.rule import ClaimVerdict
from bench.claims.units import Unit
from bench.stats.interval import Interval


class JudgedCell(NamedTuple):
    """One of several cells that are judged together, with a verdict on it alone."""

    label: str
    verdict: ClaimVerdict
    records: tuple[RecordRef, ...]
    published: tuple[Cell, ...]
    unit: Unit
    measured: Interval | None
    """In ``unit``."""
    reason: str
    """Why there is no interval."""


@dataclass(frozen=True)
class Outcome:
    """A verdict on a claim, or on one of its cells, with all that it comes from."""

    claim: Claim
    verdict: ClaimVerdict
    evidence: Evidence
    machine: MachineKind | None = None
    """The kind of machine that it is about; None where nothing was measured, or no machine matters."""
    label: str = ""
    """The cell, where each has a verdict of its own."""
    published: tuple[Cell, ...] = ()
    """The cells of published tables that it is about."""
    unit: Unit | None = None
    measured: Interval | None = None
    """In ``unit``; None where there is no single interval."""
    basis: Basis = Basis.MEASURED
    """What the interval allows for."""
    covered: int = 0
    """The number of cells that have an interval."""
    cells: int = 0
    """The number of cells that the quantifier ranges over."""
    unsupported: int = 0
    """Of these, cells whose case an implementation does not support."""
    judged: tuple[JudgedCell, ...] = ()
    """The cells one by one, where their verdicts together make this one; those that do not hold come first."""
    reason: str = ""
    """Why there is no decision, or which cells do not agree."""
    cautions: tuple[str, ...] = ()
    """What to mind in the intervals, each with the number of cells that it is about."""

    @property
    def records(self) -> tuple[RecordRef, ...]:
        """The records that it comes from."""
        return self.evidence.records

    @property
    def name(self) -> str:
        """The claim's id, with the cell's label where each cell has a verdict, and the kind of machine."""
        cell = f"[{self.label}]" if self.label else ""
        return f"{self.claim.id}{cell}" + (f" @{self.machine.id}" if self.machine else "")

    @property
    def surprise(self) -> str:
        """What is no longer as expected; empty where nothing is expected, or it is so."""
        expected = self.claim.expected
        if expected is None or expected.verdict is self.verdict:
            return ""
        return (
            f"the verdict {expected.verdict} was expected ({expected.reason}), and it is {self.verdict}: "
            "correct or drop `expected`"
        )
