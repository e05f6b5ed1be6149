"""Decides a claim from its cells, by its rule and quantifier."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from bench.claims.cells import CellResult
from bench.claims.evidence import Evidence, evidence, references
from bench.claims.machines import MachineKind
from bench.claims.model import Claim, Quantifier
from bench.claims.outcome import JudgedCell, Outcome
from bench.claims.published import Cell
from bench.claims.rule import Band, ClaimVerdict
from bench.claims.units import Unit
from bench.report.units import counted
from bench.stats.interval import Interval
from bench.stats.ratios import mean_over_cases

CONFIDENCE = 0.95
"""Probability that all intervals behind the verdicts on a claim on one machine hold."""


_ORDER = (
    ClaimVerdict.FAILS,
    ClaimVerdict.DIFFERS,
    ClaimVerdict.ERROR,
    ClaimVerdict.INSUFFICIENT_DATA,
    ClaimVerdict.INCONCLUSIVE,
    ClaimVerdict.HOLDS,
    ClaimVerdict.HOLDS_STRONGER,
    ClaimVerdict.UNSUPPORTED,
    ClaimVerdict.NOT_ATTEMPTED,
)
"""Verdicts in the order in which the cells of a claim are listed: what keeps it from holding comes first."""


class Part(NamedTuple):
    """One cell that the quantifier ranges over, with the band that it must lie in."""

    published: tuple[Cell, ...]
    unit: Unit
    band: Band
    cell: CellResult
    not_attempted: str = ""

    @property
    def label(self) -> str:
        """The published cell and the measured one."""
        name = self.published[0].name if self.published else ""
        return ": ".join(filter(None, (name, self.cell.label)))

    @property
    def reason(self) -> str:
        """Why there is no interval."""
        return self.not_attempted or self.cell.reason

    def interval(self, confidence: float) -> Interval | None:
        """Return the interval in the claim's unit; None where there is none."""
        if self.cell.at is None:
            return None
        interval = self.cell.at(confidence)
        ends = (interval.estimate / self.unit.scale, interval.low / self.unit.scale, interval.high / self.unit.scale)
        return Interval(*ends, interval.confidence)


class _Decision(NamedTuple):
    verdict: ClaimVerdict
    reason: str = ""
    measured: Interval | None = None


def undecided(claim: Claim, published: Sequence[Cell], verdict: ClaimVerdict, reason: str) -> Outcome:
    """Return an outcome for which there are no cells."""
    return Outcome(claim, verdict, evidence(claim, published, (), ()), published=tuple(published), reason=reason)


def decide(
    claim: Claim, published: Sequence[Cell], parts: Sequence[Part], machine: MachineKind | None = None
) -> list[Outcome]:
    """Return the verdict on the cells of one machine together, or with the quantifier ``each`` on every cell.

    Where several cells are judged, all their intervals hold together with CONFIDENCE (Bonferroni).
    """
    intervals = _intervals(claim, parts)
    if claim.quantifier is Quantifier.EACH:
        return [_single(claim, part, interval, machine) for part, interval in zip(parts, intervals, strict=True)]
    return [_joint(claim, published, parts, intervals, machine)]


def _intervals(claim: Claim, parts: Sequence[Part]) -> list[Interval | None]:
    """Return the interval of each cell, corrected for the number of those that are judged one by one."""
    count = sum(part.cell.at is not None for part in parts)
    judged = 1 if claim.quantifier is Quantifier.GEOMETRIC_MEAN else max(1, count)
    return [part.interval(1 - (1 - CONFIDENCE) / judged) for part in parts]


def _single(claim: Claim, part: Part, interval: Interval | None, machine: MachineKind | None) -> Outcome:
    """Return the verdict on one cell."""
    return Outcome(
        claim,
        _judge(claim, part, interval),
        _evidence(claim, part.published, [part], [interval]),
        machine=machine,
        label=part.label,
        published=part.published,
        unit=part.unit,
        measured=interval,
        basis=part.cell.basis,
        covered=int(interval is not None),
        cells=1,
        unsupported=int(part.cell.unsupported),
        reason=part.reason,
        cautions=part.cell.cautions,
    )


def _joint(
    claim: Claim,
    published: Sequence[Cell],
    parts: Sequence[Part],
    intervals: Sequence[Interval | None],
    machine: MachineKind | None,
) -> Outcome:
    """Return the verdict on all cells together."""
    decision = _combine(claim, parts, intervals)
    remarks = Counter(remark for part in parts for remark in part.cell.cautions)
    count = len(parts)
    return Outcome(
        claim,
        decision.verdict,
        _evidence(claim, published, parts, intervals),
        machine=machine,
        published=tuple(published),
        unit=parts[0].unit,
        measured=decision.measured,
        basis=parts[0].cell.basis,
        covered=sum(interval is not None for interval in intervals),
        cells=count,
        unsupported=sum(part.cell.unsupported for part in parts),
        judged=_judged(claim, parts, intervals),
        reason=decision.reason,
        cautions=tuple(f"{number} of {counted(count, 'cell')}: {remark}" for remark, number in remarks.items()),
    )


def _judged(claim: Claim, parts: Sequence[Part], intervals: Sequence[Interval | None]) -> tuple[JudgedCell, ...]:
    """Return the cells with a verdict on each; none where there is only one, or their mean is judged."""
    if len(parts) == 1 or claim.quantifier is Quantifier.GEOMETRIC_MEAN:
        return ()
    cells = [
        JudgedCell(
            part.label,
            _judge(claim, part, interval),
            references(part.cell.matches),
            part.published,
            part.unit,
            interval,
            part.reason,
        )
        for part, interval in zip(parts, intervals, strict=True)
    ]
    return tuple(sorted(cells, key=lambda cell: _ORDER.index(cell.verdict)))


def _combine(claim: Claim, parts: Sequence[Part], intervals: Sequence[Interval | None]) -> _Decision:
    """Return the verdict on all cells, and the interval of a mean or of a single cell."""
    applicable = [
        (part, interval) for part, interval in zip(parts, intervals, strict=True) if not part.cell.unsupported
    ]
    if not applicable:
        return _Decision(ClaimVerdict.UNSUPPORTED, parts[0].cell.reason)
    without = [part.cell for part, interval in applicable if interval is None] + _nowhere_supported(parts)
    covered = [(part, interval) for part, interval in applicable if interval is not None]
    missing = (
        f"{len(without)} without an interval; the first: {without[0].label}: {without[0].reason}" if without else ""
    )
    if not covered:
        return _Decision(ClaimVerdict.INSUFFICIENT_DATA, missing)
    if len(applicable) == 1 and not missing:
        ((part, interval),) = covered
        return _Decision(_judge(claim, part, interval), measured=interval)
    if claim.quantifier is Quantifier.GEOMETRIC_MEAN:
        return _Decision(ClaimVerdict.INSUFFICIENT_DATA, missing) if missing else _mean(claim, covered)
    verdicts = [_judge(claim, part, interval) for part, interval in covered]
    holding = [verdict.holds for verdict in verdicts]
    outside = [verdict in (ClaimVerdict.FAILS, ClaimVerdict.DIFFERS) for verdict in verdicts]
    unclear = len(verdicts) - sum(holding) - sum(outside)
    tally = f"{sum(holding)} hold, {sum(outside)} do not, {unclear} are inconclusive"
    exceptions = [part.cell.label for (part, _), is_outside in zip(covered, outside, strict=True) if is_outside]
    if claim.quantifier is Quantifier.ALL and exceptions:
        outcome = _as_protocol_allows(claim, ClaimVerdict.DIFFERS)
        return _Decision(outcome, f"{tally}; the first that does not: {exceptions[0]}")
    if claim.quantifier is Quantifier.ANY and any(holding):
        return _Decision(ClaimVerdict.HOLDS, tally)
    if missing:
        return _Decision(ClaimVerdict.INSUFFICIENT_DATA, f"{tally}; {missing}")
    if claim.quantifier is Quantifier.ALL and all(holding):
        stronger = all(verdict is ClaimVerdict.HOLDS_STRONGER for verdict in verdicts)
        return _Decision(ClaimVerdict.HOLDS_STRONGER if stronger else ClaimVerdict.HOLDS, tally)
    if claim.quantifier is Quantifier.ANY and all(outside):
        return _Decision(_as_protocol_allows(claim, ClaimVerdict.DIFFERS), tally)
    return _Decision(ClaimVerdict.INCONCLUSIVE, tally)


def _nowhere_supported(parts: Sequence[Part]) -> list[CellResult]:
    """Return a cell of each pair of implementations of which no case is supported, such as where a package is missing.

    Cases without support are left out of a verdict, but nothing is said of a baseline that was never compared with.
    """
    by_pair: dict[tuple[str, ...], list[CellResult]] = {}
    for part in parts:
        by_pair.setdefault(part.cell.compared, []).append(part.cell)
    return [cells[0] for cells in by_pair.values() if all(cell.unsupported for cell in cells)]


def _mean(claim: Claim, covered: Sequence[tuple[Part, Interval]]) -> _Decision:
    """Return the verdict on the geometric mean of cells."""
    mean = mean_over_cases([interval for _, interval in covered])
    margin = max(part.cell.margin for part, _ in covered) if claim.has_margin else 0.0
    verdict = covered[0][0].band.judge(mean, margin)
    return _Decision(_as_protocol_allows(claim, verdict), measured=mean)


def _judge(claim: Claim, part: Part, interval: Interval | None) -> ClaimVerdict:
    """Return the verdict on the interval of one cell."""
    if part.not_attempted:
        return ClaimVerdict.NOT_ATTEMPTED
    if part.cell.unsupported:
        return ClaimVerdict.UNSUPPORTED
    if interval is None:
        return ClaimVerdict.INSUFFICIENT_DATA
    if math.isnan(interval.estimate):
        return ClaimVerdict.ERROR
    return _as_protocol_allows(claim, part.band.judge(interval, part.cell.margin if claim.has_margin else 0.0))


def _as_protocol_allows(claim: Claim, verdict: ClaimVerdict) -> ClaimVerdict:
    """Return FAILS in place of DIFFERS under an exact protocol."""
    return ClaimVerdict.FAILS if verdict is ClaimVerdict.DIFFERS and claim.exact else verdict


def _evidence(
    claim: Claim, published: Sequence[Cell], parts: Sequence[Part], intervals: Sequence[Interval | None]
) -> Evidence:
    values = [(part.cell.label, interval) for part, interval in zip(parts, intervals, strict=True)]
    return evidence(claim, published, [match for part in parts for match in part.cell.matches], values)
