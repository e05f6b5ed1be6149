"""Reads a claims file; each fault is one line with the file, the claim and the field."""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.claims.cells import SPEEDUP, has_numbers
from bench.claims.counts import Counts
from bench.claims.derived import derived_cells
from bench.claims.derived import dimension as derived_dimension
from bench.claims.evaluate import bind, dimension, published_cells
from bench.claims.measured import DEPEND_ON_MACHINE
from bench.claims.model import Claim, ClaimsFile, Kind, Quantifier
from bench.claims.units import dimension_text, parse_unit
from bench.core import registry
from bench.core.errors import UsageError

FILE = "claims.toml"


class ClaimsError(UsageError):
    """A claims file has faults; each of ``lines`` says which claim, which field and what to do."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = list(lines)


def read_claims(path: Path, counts: Counts | None = None) -> ClaimsFile:
    """Read a claims file and check all that it refers to.

    Args:
        path: the file.
        counts: the counts that the paper's recipe defines.

    Raises:
        ClaimsError: where something in it is wrong.
    """
    try:
        # Decimals keep trailing zeros: 95.40 is more precise than 95.4.
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=_decimal)
    except (OSError, UnicodeDecodeError) as error:
        raise ClaimsError([f"cannot read {path}: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ClaimsError([f"{path} is no TOML: {error}"]) from None
    try:
        claims = ClaimsFile.model_validate(content)
    except ValidationError as error:
        raise ClaimsError([f"{path}: {line}" for line in _model_faults(error, content)]) from None
    faults = [(claim.id, fault) for claim in claims.claim for fault in _faults(claim, claims, counts or {})]
    if faults:
        raise ClaimsError([f"{path}: claim {claim_id}: {fault}" for claim_id, fault in faults])
    return claims


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise tomllib.TOMLDecodeError(f"{text} is no number") from None


def _model_faults(error: ValidationError, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each fault of the model, with the id of the claim or table that has it."""
    for detail in error.errors():
        part, *rest = detail["loc"] or ("file",)
        entry = str(part)
        if part in ("claim", "table") and rest:
            index, *rest = rest
            entry = f"{part} {_name(content.get(str(part)), index)}"
        field = ".".join(map(str, rest))
        message = detail["msg"].removeprefix("Value error, ")
        message = "unknown field; drop it or correct its name" if detail["type"] == "extra_forbidden" else message
        yield ": ".join(filter(None, (entry, field, message[:1].lower() + message[1:])))


def _name(entries: Any, index: int | str) -> str:
    """Return the id of an entry of a file, or its number."""
    if isinstance(entries, list) and isinstance(index, int):
        entry = entries[index]
        return str(entry["id"]) if isinstance(entry, dict) and "id" in entry else f"number {index + 1}"
    return str(index)


def _faults(claim: Claim, claims: ClaimsFile, counts: Counts) -> Iterator[str]:
    """Yield what is wrong with a claim's references, each after its field."""
    checks: dict[str, Callable[[], None]] = {
        "published": lambda: _check_published(claim, claims),
        "bind": lambda: _check_bindings(claim, claims),
        "scope": lambda: _check_scope(claim, claims),
        "measure": lambda: _check_measure(claim, counts),
        "unit": lambda: _check_unit(claim, claims, counts),
        "rule": lambda: _check_rule(claim, claims),
    }
    for field, check in checks.items():
        try:
            check()
        except UsageError as error:
            yield f"{field}: {error}"
            return  # what follows depends on it


def _check_published(claim: Claim, claims: ClaimsFile) -> None:
    cells = published_cells(claim, claims)
    if (claim.published.cells or claim.derived) and not cells:
        raise UsageError(f"table {claim.published.table} has no known cell there, so the claim covers nothing")
    if claim.derived:
        list(derived_cells(claim.derived, claims))


def _check_bindings(claim: Claim, claims: ClaimsFile) -> None:
    if claim.published.cells is None:
        if claim.bind:
            raise UsageError("bindings are for the rows and columns of a published table, and there is none")
        return
    cells = published_cells(claim, claims)
    names = dict.fromkeys(name for cell in cells for name in (cell.row, cell.column, cell.name))
    if unknown := sorted(claim.bind.keys() - names):
        choices = "; ".join(names)
        raise UsageError(f"{unknown[0]!r} is no row, column or cell of what is published; choose from {choices}")


def _check_scope(claim: Claim, claims: ClaimsFile) -> None:
    """Check that the query, with each binding, is known, names implementations and covers something."""
    if claim.scope is None or claim.measure is None:
        return
    claim.scope.check(claim.measure.baselines)
    for name, binding in claim.bind.items():
        try:
            claim.scope.narrowed(binding.impl, binding.case).check()
        except UsageError as error:
            raise UsageError(f"with {name!r}: {error}") from None
    if claim.kind is Kind.COUNT:
        return
    queries = {"it": claim.scope}
    if claim.published.cells:
        bound = {cell.name: bind(claim, cell) for cell in published_cells(claim, claims)}
        queries = {name: query for name, (query, _, reason) in bound.items() if query and not reason}
    if nameless := [name for name, query in queries.items() if not query.impl]:
        raise UsageError(f"{nameless[0]} names no implementation; give impl = [IMPLEMENTATION]")


def _check_measure(claim: Claim, counts: Counts) -> None:
    """Check that the quantity is known and fits the kind."""
    if claim.measure is None:
        return
    measure = claim.measure
    for quantity in [measure.quantity, *(b.quantity for b in claim.bind.values() if b.quantity)]:
        dimension(claim, quantity, counts)
    if measure.quantity == SPEEDUP and not measure.baselines:
        raise UsageError("a speedup needs baselines = [IMPLEMENTATION]")
    if measure.sweep and claim.scope:
        parameters = registry.workload(claim.scope.workload).case_type.model_fields
        if measure.sweep not in parameters:
            raise UsageError(f"no parameter {measure.sweep!r} to sweep; choose from {', '.join(parameters)}")
    if measure.sweep and claim.kind is Kind.COUNT:
        raise UsageError(f"a sweep is for what is measured, not for the count {measure.quantity}")
    if measure.sweep and measure.baselines and not measure.timed:
        raise UsageError(f"{measure.quantity} has either a sweep or baselines; drop one")
    if claim.kind is Kind.TREND and not measure.sweep:
        raise UsageError("a trend needs sweep = PARAMETER")
    if claim.kind is Kind.CROSSOVER and not (measure.sweep and measure.quantity == SPEEDUP):
        raise UsageError("a crossover is that of a speedup with a sweep of a parameter")
    if claim.kind is Kind.CROSSOVER and claim.scope and not has_numbers(claim.scope.cases(), str(measure.sweep)):
        raise UsageError(f"a crossover needs a parameter whose values are numbers, and {measure.sweep} has names")
    if claim.quantifier is Quantifier.GEOMETRIC_MEAN:
        _check_mean(claim, dimension(claim, measure.quantity, counts))


def _check_mean(claim: Claim, dimension: str) -> None:
    """Check that a geometric mean makes sense."""
    assert claim.measure is not None
    if claim.measure.sweep:
        raise UsageError("the mean of successive steps depends on the first and the last value alone; take all or each")
    if len(claim.measure.baselines) > 1:
        raise UsageError("ratios that share a record are not independent: for a geometric mean, give one baseline")
    if dimension == "fraction":
        raise UsageError("a geometric mean is for times and ratios, not for differences or fractions")


def _check_unit(claim: Claim, claims: ClaimsFile, counts: Counts) -> None:
    """Check that what was published and what is measured have the same dimension."""
    pairs: list[tuple[str, str, str]] = []
    if claim.derived and claim.published.unit:
        pairs.append((claim.published.unit, claim.derived.operation, derived_dimension(claim.derived, claims)))
    elif claim.measure and claim.published.unit:
        pairs.append((claim.published.unit, claim.measure.quantity, dimension(claim, claim.measure.quantity, counts)))
    elif claim.measure:
        for printed in published_cells(claim, claims):
            _, measure, reason = bind(claim, printed)
            if not reason:
                pairs.append((printed.unit.name, measure.quantity, dimension(claim, measure.quantity, counts)))
    timed = [measured in DEPEND_ON_MACHINE for _, _, measured in pairs]
    if any(timed) and not all(timed):
        raise UsageError("times differ by machine and accuracies do not: make a claim of each")
    for unit, name, measured in pairs:
        if parse_unit(unit).dimension != measured:
            raise UsageError(
                f"{unit!r} is a unit of {parse_unit(unit).dimension}, and {name} is {dimension_text(measured)}; "
                "correct one of them"
            )


def _check_rule(claim: Claim, claims: ClaimsFile) -> None:
    """Check that the rule has the published values that it needs."""
    if claim.rule is None:
        return
    published = claim.published
    values = [cell.number.value for cell in claims.cells(published.cells)] if published.cells else [published.value]
    for value in values:
        claim.rule.band(value, published.low, published.high)
