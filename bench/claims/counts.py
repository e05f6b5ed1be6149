"""Counts that claims may refer to: numbers that follow by formula from a case, or from a network as a whole."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from bench.claims.cells import Basis, CellResult
from bench.core import registry
from bench.core.case import Case
from bench.report.query import Query
from bench.stats.interval import Interval


class Count(NamedTuple):
    """A count that follows from a case by formula."""

    unit: str
    value: Callable[[Case], float]


class Total(NamedTuple):
    """Numbers that follow by formula from no case, such as the parameters of whole networks."""

    unit: str
    values: Callable[[], Mapping[str, float]]
    """Returns them by name."""


Counts = Mapping[str, Count | Total]
"""What a recipe defines for claims to refer to, by name."""


def counts_of(workload: str | None, others: Counts) -> Counts:
    """Return the counts that claims may refer to: a workload's by case, or without one the totals of ``others``."""
    if workload is None:
        return {name: count for name, count in others.items() if isinstance(count, Total)}
    known = registry.workload(workload)

    def work(name: str, case: Case) -> float:
        value = known.work(case)
        if value is None:
            raise ValueError(f"{workload} has no work by formula: it depends on the model")
        return float(getattr(value, name))

    return {
        "macs": Count("MACs", partial(work, "macs")),
        "parameters": Count("parameters", partial(work, "parameters")),
        **{name: count for name, count in others.items() if isinstance(count, Count)},
    }


def counted_cells(query: Query | None, count: Count | Total) -> list[CellResult]:
    """Return a cell for each case of the query, or each number of a total, by formula; its interval is a point."""
    if isinstance(count, Total):
        values = dict(count.values())
    else:
        values = {case.slug: count.value(case) for case in query.cases()} if query else {}
    return [CellResult(name, (), partial(_point, value), basis=Basis.FORMULA) for name, value in values.items()]


def _point(value: float, confidence: float) -> Interval:
    return Interval(value, value, value, confidence)
