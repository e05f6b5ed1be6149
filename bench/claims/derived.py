"""Arithmetic on a paper's own numbers, as precise as they were printed."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

from bench.claims.cells import MeasuredCell
from bench.claims.model import ClaimsFile, Derived
from bench.claims.published import Cell
from bench.core.errors import UsageError
from bench.stats.interval import Interval
from bench.stats.sums import weighted_sum

_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "quotient": lambda value, base: value / base,
    "difference": lambda value, base: value - base,
    "saved": lambda value, base: 1 - value / base,
}
"""Each is monotonic in both positive operands, so its extremes over intervals lie at their ends."""


def derived_cells(derived: Derived, claims: ClaimsFile) -> Iterator[tuple[tuple[Cell, Cell], MeasuredCell]]:
    """Yield each published cell and its base, with the result of the operation.

    The result's interval is that of all numbers that would have been printed the same, or, for a difference of means
    that were printed with their spread over runs, Student's.

    Raises:
        UsageError: where there are no cells, or several of both and not as many of each.
    """
    cells, bases = claims.cells(derived.cells), claims.cells(derived.base)
    if not cells or not bases:
        raise UsageError("derived covers no known cell")
    count = max(len(cells), len(bases))
    cells, bases = (part * count if len(part) == 1 else part for part in (cells, bases))
    if len(cells) != len(bases):
        raise UsageError(f"derived.cells are {len(cells)} cells and derived.base {len(bases)}; give as many, or one")
    for cell, base in zip(cells, bases, strict=True):
        if cell.unit.dimension != base.unit.dimension:
            raise UsageError(f"{cell.place} is in {cell.unit.name} and {base.place} in {base.unit.name}")
        label = f"against {base.place}"
        yield (cell, base), MeasuredCell(label, (), partial(_result, derived.operation, cell, base))


def dimension(derived: Derived, claims: ClaimsFile) -> str:
    """Return the dimension of the results."""
    if derived.operation == "difference":
        return claims.cells(derived.cells)[0].unit.dimension
    return "ratio" if derived.operation == "quotient" else "fraction"


def _result(operation: str, cell: Cell, base: Cell, confidence: float) -> Interval:
    value, other = _scaled(cell, confidence), _scaled(base, confidence)
    if operation == "difference" and value.confidence < 1 and other.confidence < 1:
        negative = Interval(-other.estimate, -other.high, -other.low, other.confidence)
        return weighted_sum([value, negative], [1, 1])
    compute = _OPERATIONS[operation]
    ends = [compute(a, b) for a, b in product((value.low, value.high), (other.low, other.high))]
    return Interval(compute(value.estimate, other.estimate), min(ends), max(ends), min(value.confidence, confidence))


def _scaled(cell: Cell, confidence: float) -> Interval:
    """Return what the printed number stands for, in the base unit of its dimension."""
    interval = cell.number.interval(confidence)
    scale = cell.unit.scale
    return Interval(interval.estimate * scale, interval.low * scale, interval.high * scale, interval.confidence)
