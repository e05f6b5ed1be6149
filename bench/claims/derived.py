"""Arithmetic on a paper's own numbers, as precise as they were printed."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

from bench.claims.cells import Basis, CellResult
from bench.claims.model import ClaimsFile, Derived
from bench.claims.published import Cell
from bench.core.errors import UsageError
from bench.stats.interval import Interval
from bench.stats.sums import weighted_sum

_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "ratio": lambda value, baseline: value / baseline,
    "difference": lambda value, baseline: value - baseline,
    "reduction": lambda value, baseline: 1 - value / baseline,
}
"""Each is monotonic in both positive operands, so its extremes over intervals lie at their ends."""


def derived_cells(derived: Derived, claims: ClaimsFile) -> Iterator[tuple[tuple[Cell, Cell], CellResult]]:
    """Yield each published cell and its baseline, with the result of the operation.

    The intervals of a difference of means that were printed with their spread, or of accuracies on test sets of known
    size, add up as standard errors do. Other results have the interval of all numbers that would have been printed the
    same.

    Raises:
        UsageError: where there are no cells, or several of both and not as many of each.
    """
    cells, baselines = claims.cells(derived.cells), claims.cells(derived.baselines)
    if not cells or not baselines:
        raise UsageError("derived covers no known cell")
    count = max(len(cells), len(baselines))
    cells, baselines = (part * count if len(part) == 1 else part for part in (cells, baselines))
    if len(cells) != len(baselines):
        raise UsageError(
            f"derived.cells are {len(cells)} cells and derived.baselines {len(baselines)}; give as many, or one"
        )
    for cell, baseline in zip(cells, baselines, strict=True):
        if cell.unit.dimension != baseline.unit.dimension:
            raise UsageError(f"{cell.name} is in {cell.unit.name} and {baseline.name} in {baseline.unit.name}")
        at = partial(_result, derived.operation, cell, baseline)
        yield (cell, baseline), CellResult(f"against {baseline.name}", (), at, basis=_basis(cell, baseline))


def dimension(derived: Derived, claims: ClaimsFile) -> str:
    """Return the dimension of the results."""
    if derived.operation == "difference":
        return claims.cells(derived.cells)[0].unit.dimension
    return "ratio" if derived.operation == "ratio" else "fraction"


def _basis(*cells: Cell) -> Basis:
    """Return what the interval of a result allows for."""
    if all(cell.number.spread is not None for cell in cells):
        return Basis.SPREAD
    return Basis.TEST_SET if all(cell.tested is not None for cell in cells) else Basis.ROUNDING


def _result(operation: str, cell: Cell, baseline: Cell, confidence: float) -> Interval:
    value, other = _scaled(cell, confidence), _scaled(baseline, confidence)
    if operation == "difference" and value.confidence < 1 and other.confidence < 1:
        negative = Interval(-other.estimate, -other.high, -other.low, other.confidence)
        return weighted_sum([value, negative], [1, 1])
    compute = _OPERATIONS[operation]
    ends = [compute(a, b) for a, b in product((value.low, value.high), (other.low, other.high))]
    return Interval(compute(value.estimate, other.estimate), min(ends), max(ends), min(value.confidence, confidence))


def _scaled(cell: Cell, confidence: float) -> Interval:
    """Return the interval of a cell in the base unit of its dimension."""
    interval, scale = cell.interval(confidence), cell.unit.scale
    return Interval(interval.estimate * scale, interval.low * scale, interval.high * scale, interval.confidence)
