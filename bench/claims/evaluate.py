"""Evaluates claims: the cells of each, on each kind of machine, and the verdicts on them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.claims.cells import LATENCY, NOT_MEASURED, SPEEDUP, CellResult
from bench.claims.counts import Counts, counted_cells, counts_of
from bench.claims.decide import Part, decide, undecided
from bench.claims.derived import derived_cells
from bench.claims.experiments import metric_unit
from bench.claims.machines import MachineKind, NewestRecords, by_machine
from bench.claims.measured import depends_on_machine, measured_cells, with_baselines
from bench.claims.model import Claim, ClaimsFile, Kind, Measure, Quantifier
from bench.claims.outcome import Outcome
from bench.claims.published import Cell
from bench.claims.rule import Band, ClaimVerdict
from bench.claims.units import Unit, parse_unit
from bench.core import registry
from bench.core.errors import UsageError
from bench.report.query import Match, Query
from bench.store import Run


class _Target(NamedTuple):
    """What is to be measured for a published number, or for the claim itself, with the band that it must lie in."""

    published: tuple[Cell, ...]
    unit: Unit
    band: Band
    query: Query | None
    measure: Measure
    not_attempted: str = ""


def evaluate(claims: ClaimsFile, runs: Sequence[Run], counts: Counts | None = None) -> list[Outcome]:
    """Return the verdicts on all claims of a file, in its order; see ``outcomes``."""
    return [outcome for claim in claims.claim for outcome in outcomes(claim, claims, runs, counts or {})]


def outcomes(claim: Claim, claims: ClaimsFile, runs: Sequence[Run], counts: Counts) -> list[Outcome]:
    """Return the verdicts on a claim.

    Args:
        claim: a claim that ``bench.claims.read`` has no fault with.
        claims: the file that it is from.
        runs: the runs whose records may decide it, oldest first.
        counts: the counts that the paper's recipe defines.

    Returns:
        One outcome for each kind of machine that has records of it, or a single one where no machine matters, as for an
        accuracy; with the quantifier ``each``, one for each cell.
    """
    published = published_cells(claim, claims)
    if claim.not_attempted:
        return [undecided(claim, published, ClaimVerdict.NOT_ATTEMPTED, claim.not_attempted)]
    try:
        if claim.derived:
            unit, band = _unit(claim), _band(claim)
            results = derived_cells(claim.derived, claims)
            return decide(claim, published, [Part(operands, unit, band, result) for operands, result in results])
        targets = list(_targets(claim, published))
        if claim.kind is Kind.COUNT:
            return decide(claim, published, [part for target in targets for part in _count_parts(target, counts)])
        return list(_decide_measured(claim, published, targets, runs))
    except (UsageError, ValueError, ArithmeticError) as error:
        return [undecided(claim, published, ClaimVerdict.ERROR, str(error))]


def published_cells(claim: Claim, claims: ClaimsFile) -> list[Cell]:
    """Return the cells of published tables that a claim is about.

    Raises:
        UsageError: where it refers to a table, row or column that there is not.
    """
    references = [claim.published.cells] if claim.published.cells else []
    references += [claim.derived.cells, claim.derived.baselines] if claim.derived else []
    return list(dict.fromkeys(cell for reference in references for cell in claims.cells(reference)))


def bind(claim: Claim, printed: Cell) -> tuple[Query | None, Measure, str]:
    """Return the query and measure that a published cell stands for, and why it is not attempted, if it is not."""
    assert claim.measure is not None  # as in every claim with a scope or a count
    query, measure = claim.scope, claim.measure
    for name in (printed.row, printed.column, printed.name):
        if binding := claim.bind.get(name):
            query = query and query.narrowed(binding.impl, binding.case)
            measure = measure.model_copy(update={"quantity": binding.quantity or measure.quantity})
            if binding.not_attempted:
                return query, measure, binding.not_attempted
    return query, measure, ""


def _targets(claim: Claim, published: Sequence[Cell]) -> Iterator[_Target]:
    assert claim.measure is not None  # as in every claim that is attempted, and not derived
    assert claim.rule is not None
    if claim.published.table is None:
        yield _Target((), _unit(claim), _band(claim), claim.scope, claim.measure)
        return
    for printed in published:
        yield _Target((printed,), printed.unit, claim.rule.band(printed.number.value), *bind(claim, printed))


def _count_parts(target: _Target, counts: Counts) -> list[Part]:
    known = counts_of(target.query.workload if target.query else None, counts)
    cells = [] if target.not_attempted else counted_cells(target.query, known[target.measure.quantity])
    return _parts(target, cells)


def _decide_measured(
    claim: Claim, published: Sequence[Cell], targets: Sequence[_Target], runs: Sequence[Run]
) -> Iterator[Outcome]:
    """Yield the outcomes on each kind of machine that has records of what is claimed, or on all machines together."""
    attempted = [target for target in targets if not target.not_attempted]
    left_out = [part for target in targets if target.not_attempted for part in _parts(target, [])]
    if not attempted:
        yield undecided(claim, published, ClaimVerdict.NOT_ATTEMPTED, targets[0].not_attempted)
        return
    records = [_records(target, runs) for target in attempted]
    kinds = {
        kind: None
        for target, groups in zip(attempted, records, strict=True)
        for kind, matches in groups.items()
        if any(match.record.implementation in _query(target).impl for match in matches)
    }
    if not kinds and claim.published.table is None:
        yield undecided(claim, published, ClaimVerdict.INSUFFICIENT_DATA, "no record matches its scope")
        return
    if claim.quantifier is Quantifier.EACH:
        yield from decide(claim, published, left_out)
        left_out = []
    for kind in kinds or [None]:
        parts = [
            part
            for target, groups in zip(attempted, records, strict=True)
            for part in _parts(target, _cells(target, groups, kind))
        ]
        yield from decide(claim, published, [*parts, *left_out], kind)


def _records(target: _Target, runs: Sequence[Run]) -> dict[MachineKind | None, list[Match]]:
    """Return the records of a target by kind of machine; under None where it does not depend on the machine."""
    query = _query(target)
    matches = with_baselines(query, target.measure).select(runs)
    if not depends_on_machine(query.workload, target.measure.quantity):
        return {None: matches} if matches else {}
    groups: dict[MachineKind | None, list[Match]] = {}
    return groups | by_machine(matches)


def _cells(
    target: _Target, groups: Mapping[MachineKind | None, Sequence[Match]], kind: MachineKind | None
) -> list[CellResult]:
    return list(measured_cells(_query(target), target.measure, NewestRecords(groups.get(kind, []))))


def _query(target: _Target) -> Query:
    assert target.query is not None  # as in every claim about records
    return target.query


def _parts(target: _Target, cells: Sequence[CellResult]) -> list[Part]:
    reason = target.not_attempted or NOT_MEASURED
    return [
        Part(target.published, target.unit, target.band, cell, target.not_attempted)
        for cell in cells or [CellResult("", (), None, reason)]
    ]


def _unit(claim: Claim) -> Unit:
    assert claim.published.unit is not None  # as in every claim without a published table
    return parse_unit(claim.published.unit)


def _band(claim: Claim) -> Band:
    assert claim.rule is not None  # as in every claim that is attempted
    return claim.rule.band(claim.published.value, claim.published.low, claim.published.high)


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
        return "count" if claim.measure.sweep else "ratio"
    if quantity == LATENCY:
        return "ratio" if claim.measure.sweep else "time"
    metrics = [metric.name for metric in registry.workload(claim.scope.workload).metrics]
    if quantity not in metrics:
        raise UsageError(f"no quantity {quantity!r}; choose from {', '.join((LATENCY, SPEEDUP, *metrics))}")
    return metric_unit(claim.scope.workload, quantity).dimension
