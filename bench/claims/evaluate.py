"""Decides claims: the cells of each, their intervals, and a verdict by its rule and quantifier."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.claims.cells import LATENCY, SPEEDUP, Counts, MeasuredCell, counted_cells, counts_of, measured_cells
from bench.claims.derived import derived_cells
from bench.claims.evidence import Evidence, evidence
from bench.claims.model import Claim, ClaimsFile, Kind, Measure, Quantifier
from bench.claims.published import Cell
from bench.claims.rule import Band, Verdict
from bench.claims.units import Unit, parse_unit
from bench.core import registry
from bench.core.errors import UsageError
from bench.report.query import Query
from bench.stats.interval import Interval
from bench.stats.ratios import mean_over_cases
from bench.store import Run

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Outcome:
    """A verdict on a claim, or on one of its cells, with all that it comes from."""

    claim: Claim
    verdict: Verdict
    evidence: Evidence
    label: str = ""
    """The cell, where each has a verdict of its own."""
    published: tuple[Cell, ...] = ()
    """The cells of published tables that it is about."""
    unit: Unit | None = None
    measured: Interval | None = None
    """In ``unit``; None where there is no single one."""
    covered: int = 0
    """The number of cells that have an interval."""
    cells: int = 0
    """The number of cells that the quantifier ranges over."""
    inapplicable: int = 0
    """Of these, cells whose case an implementation does not support."""
    reason: str = ""
    """Why there is no decision, or which cells do not agree."""

    @property
    def name(self) -> str:
        """The claim's id, with the cell's label where each cell has a verdict."""
        return f"{self.claim.id}[{self.label}]" if self.label else self.claim.id

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


class _Part(NamedTuple):
    """One cell that the quantifier ranges over, with the band that it must lie in."""

    published: tuple[Cell, ...]
    unit: Unit
    band: Band
    cell: MeasuredCell
    not_attempted: str = ""

    def at(self, confidence: float) -> Interval | None:
        """Return the interval in the claim's unit; None where there is none."""
        if self.cell.at is None:
            return None
        interval = self.cell.at(confidence)
        ends = (interval.estimate / self.unit.scale, interval.low / self.unit.scale, interval.high / self.unit.scale)
        return Interval(*ends, interval.confidence)


def evaluate(claims: ClaimsFile, runs: Sequence[Run], counts: Counts | None = None) -> list[Outcome]:
    """Return the verdicts on all claims of a file, in its order; see ``outcomes``."""
    return [outcome for claim in claims.claim for outcome in outcomes(claim, claims, runs, counts or {})]


def outcomes(claim: Claim, claims: ClaimsFile, runs: Sequence[Run], counts: Counts) -> list[Outcome]:
    """Return the verdict on a claim, or a verdict for each of its cells.

    Args:
        claim: a claim that ``bench.claims.check`` has no fault with.
        claims: the file that it is from.
        runs: the runs whose records may decide it.
        counts: the counts that the paper's recipe defines.

    Returns:
        One outcome, or with the quantifier ``each`` one for each cell.
    """
    published = published_cells(claim, claims)
    if claim.not_attempted:
        return [_undecided(claim, published, Verdict.NOT_ATTEMPTED, claim.not_attempted)]
    try:
        parts = list(_parts(claim, claims, published, runs, counts))
        if not parts:
            reason = "no record matches its scope"
            return [_undecided(claim, published, Verdict.INSUFFICIENT_DATA, reason)]
        if claim.quantifier is Quantifier.EACH:
            return [_single(claim, part) for part in parts]
        return [_joint(claim, published, parts)]
    except (UsageError, ValueError, ArithmeticError) as error:
        return [_undecided(claim, published, Verdict.ERROR, str(error))]


def published_cells(claim: Claim, claims: ClaimsFile) -> list[Cell]:
    """Return the cells of published tables that a claim is about.

    Raises:
        UsageError: where it refers to a table, row or column that there is not.
    """
    references = [claim.published.cells] if claim.published.cells else []
    references += [claim.derived.cells, claim.derived.base] if claim.derived else []
    return list(dict.fromkeys(cell for reference in references for cell in claims.cells(reference)))


def _undecided(claim: Claim, published: Sequence[Cell], verdict: Verdict, reason: str) -> Outcome:
    return Outcome(claim, verdict, evidence(claim, published, ()), published=tuple(published), reason=reason)


def _parts(
    claim: Claim, claims: ClaimsFile, published: Sequence[Cell], runs: Sequence[Run], counts: Counts
) -> Iterator[_Part]:
    assert claim.rule is not None  # as in every claim that is attempted
    if claim.derived:
        for operands, result in derived_cells(claim.derived, claims):
            yield _Part(operands, _unit(claim), _band(claim), result)
        return
    assert claim.measure is not None
    if claim.published.table is None:
        for cell in _cells(claim, claim.scope, claim.measure, runs, counts):
            yield _Part((), _unit(claim), _band(claim), cell)
        return
    for printed in published:
        band = claim.rule.band(printed.number.value)
        query, measure, reason = bound(claim, printed)
        cells = [] if reason else _cells(claim, query, measure, runs, counts)
        nothing = MeasuredCell("", (), None, reason or f"no record matches {query.options() if query else ''}")
        for cell in cells or [nothing]:
            yield _Part((printed,), printed.unit, band, cell, reason)


def bound(claim: Claim, printed: Cell) -> tuple[Query | None, Measure, str]:
    """Return the query and measure that a published cell stands for, and why it is not attempted, if it is not."""
    assert claim.measure is not None
    query, measure = claim.scope, claim.measure
    for name in (printed.row, printed.column, printed.place):
        if binding := claim.bind.get(name):
            query = query and query.narrowed(binding.impl, binding.case)
            measure = measure.model_copy(update={"quantity": binding.quantity or measure.quantity})
            if binding.not_attempted:
                return query, measure, binding.not_attempted
    return query, measure, ""


def _cells(
    claim: Claim, query: Query | None, measure: Measure, runs: Sequence[Run], counts: Counts
) -> list[MeasuredCell]:
    if claim.kind is Kind.COUNT:
        return counted_cells(query, counts_of(query.workload if query else None, counts)[measure.quantity])
    assert query is not None  # as in every claim about records
    return measured_cells(query, measure, runs)


def _unit(claim: Claim) -> Unit:
    assert claim.published.unit is not None  # as in every claim without a published table
    return parse_unit(claim.published.unit)


def _band(claim: Claim) -> Band:
    assert claim.rule is not None
    return claim.rule.band(claim.published.value, claim.published.low, claim.published.high)


def _single(claim: Claim, part: _Part) -> Outcome:
    """Return the verdict on one cell."""
    interval = part.at(CONFIDENCE)
    place = part.published[0].place if part.published else ""
    return Outcome(
        claim,
        _place(claim, part, interval),
        evidence(claim, part.published, part.cell.matches),
        label=": ".join(filter(None, (place, part.cell.label))),
        published=part.published,
        unit=part.unit,
        measured=interval,
        covered=int(interval is not None),
        cells=1,
        inapplicable=int(part.cell.unsupported),
        reason=part.cell.reason,
    )


def _joint(claim: Claim, published: Sequence[Cell], parts: Sequence[_Part]) -> Outcome:
    """Return the verdict on all cells together."""
    applicable = [part for part in parts if not part.cell.unsupported]
    covered = [part for part in applicable if part.cell.at]
    measured, verdict, reason = _combine(claim, applicable, covered)
    return Outcome(
        claim,
        verdict,
        evidence(claim, published, [match for part in parts for match in part.cell.matches]),
        published=tuple(published),
        unit=parts[0].unit,
        measured=measured,
        covered=len(covered),
        cells=len(parts),
        inapplicable=len(parts) - len(applicable),
        reason=reason,
    )


def _combine(
    claim: Claim, applicable: Sequence[_Part], covered: Sequence[_Part]
) -> tuple[Interval | None, Verdict, str]:
    """Return the interval of a mean or of a single cell, if it is one, the verdict, and the reason for it."""
    if not applicable:
        return None, Verdict.NOT_APPLICABLE, "the implementation supports none of the cases"
    if not covered:
        return None, Verdict.INSUFFICIENT_DATA, applicable[0].cell.reason
    if len(applicable) == 1:
        interval = covered[0].at(CONFIDENCE)
        return interval, _place(claim, covered[0], interval), ""
    if claim.quantifier is Quantifier.GEOMETRIC_MEAN:
        mean = mean_over_cases([interval for part in covered if (interval := part.at(CONFIDENCE))])
        return mean, _as_protocol_allows(claim, covered[0].band.place(mean)), ""
    # So that all intervals hold together with CONFIDENCE, whichever cell decides (Bonferroni).
    confidence = 1 - (1 - CONFIDENCE) / len(covered)
    verdicts = [_place(claim, part, part.at(confidence)) for part in covered]
    holding = [verdict in (Verdict.HOLDS, Verdict.HOLDS_STRONGER) for verdict in verdicts]
    outside = [verdict in (Verdict.FAILS, Verdict.DIFFERS) for verdict in verdicts]
    tally = f"{sum(holding)} hold, {sum(outside)} do not, {verdicts.count(Verdict.INCONCLUSIVE)} cannot tell"
    exceptions = [part.cell.label for part, is_outside in zip(covered, outside, strict=True) if is_outside]
    if claim.quantifier is Quantifier.ALL and exceptions:
        return None, _as_protocol_allows(claim, Verdict.DIFFERS), f"{tally}; the first that does not: {exceptions[0]}"
    if claim.quantifier is Quantifier.ANY and any(holding):
        return None, Verdict.HOLDS, tally
    without = len(applicable) - len(covered) + verdicts.count(Verdict.INSUFFICIENT_DATA)
    if without:
        return None, Verdict.INSUFFICIENT_DATA, f"{tally}; {without} have no interval"
    if claim.quantifier is Quantifier.ALL and all(holding):
        stronger = all(verdict is Verdict.HOLDS_STRONGER for verdict in verdicts)
        return None, Verdict.HOLDS_STRONGER if stronger else Verdict.HOLDS, tally
    if claim.quantifier is Quantifier.ANY and all(outside):
        return None, _as_protocol_allows(claim, Verdict.DIFFERS), tally
    return None, Verdict.INCONCLUSIVE, tally


def _place(claim: Claim, part: _Part, interval: Interval | None) -> Verdict:
    """Return the verdict on the interval of one cell."""
    if part.not_attempted:
        return Verdict.NOT_ATTEMPTED
    if part.cell.unsupported:
        return Verdict.NOT_APPLICABLE
    if interval is None:
        return Verdict.INSUFFICIENT_DATA
    if math.isnan(interval.estimate):
        return Verdict.ERROR
    return _as_protocol_allows(claim, part.band.place(interval))


def _as_protocol_allows(claim: Claim, verdict: Verdict) -> Verdict:
    """Return FAILS in place of DIFFERS under an exact protocol."""
    return Verdict.FAILS if verdict is Verdict.DIFFERS and claim.exact else verdict


def dimension(claim: Claim, quantity: str, counts: Counts) -> str:
    """Return the dimension of what a claim measures.

    Raises:
        UsageError: where there is no such quantity; the message lists the choices.
    """
    assert claim.measure is not None
    if claim.kind is Kind.COUNT:
        known = counts_of(claim.scope.workload if claim.scope else None, counts)
        if quantity not in known:
            raise UsageError(
                f"no count {quantity!r}; choose from {', '.join(known) or 'none: the recipe defines no totals'}"
            )
        return parse_unit(known[quantity].unit).dimension
    assert claim.scope is not None
    if quantity == SPEEDUP:
        return "count" if claim.measure.along else "ratio"
    if quantity == LATENCY:
        return "ratio" if claim.measure.along else "time"
    metrics = {metric.name: metric for metric in registry.workload(claim.scope.workload).metrics}
    if quantity not in metrics:
        raise UsageError(f"no quantity {quantity!r}; choose from {', '.join((LATENCY, SPEEDUP, *metrics))}")
    return "fraction" if metrics[quantity].is_fraction else "count"
