"""The cells that a claim ranges over: every case of its scope, measured or not, with an interval at any confidence."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.core.case import Case
from bench.core.record import Key, Status
from bench.report.compare import default_margin, failure_text
from bench.report.query import Match, Query
from bench.stats.interval import Interval

LATENCY, SPEEDUP = "latency", "speedup"

At = Callable[[float], Interval]
"""Returns an interval at a confidence, in the base unit of its quantity."""

NOT_MEASURED = "not measured"


class Basis(StrEnum):
    """What the interval of a cell allows for."""

    MEASURED = "measured: rounds and processes, or seeds"
    FORMULA = "by formula: exact"
    ROUNDING = "arithmetic on printed numbers: rounding alone"
    SPREAD = "arithmetic on printed numbers: their printed spread over runs"
    TEST_SET = "arithmetic on printed numbers: the size of the test set (binomial), of a single training"


@dataclass(frozen=True)
class CellResult:
    """What was measured or computed in one cell, or why nothing was."""

    label: str
    matches: tuple[Match, ...]
    """The records that it comes from."""
    at: At | None
    reason: str = ""
    """Why there is no interval."""
    unsupported: bool = False
    """Whether there is none because an implementation does not support the case."""
    compared: tuple[str, ...] = ()
    """The implementation, and the baseline where there is one."""
    cautions: tuple[str, ...] = ()
    """What to mind in the interval."""
    basis: Basis = Basis.MEASURED

    @property
    def margin(self) -> float:
        """The largest relative difference of times that does not matter on its machine, a fraction."""
        runs = {match.run.name: match.run for match in self.matches}
        return max(map(default_margin, runs.values()), default=0.0)


def cell_without(
    label: str, matches: Iterable[Match], compared: tuple[str, ...], reason: str = NOT_MEASURED
) -> CellResult:
    """Return a cell without an interval; the reason is that of a record that did not pass, otherwise ``reason``."""
    matches = tuple(matches)
    failed = [match.record for match in matches if match.record.status is not Status.PASSED]
    unsupported = [record for record in failed if record.status is Status.UNSUPPORTED]
    if cause := next(iter(unsupported or failed), None):
        reason = f"{cause.implementation}: {failure_text(cause)}"
    return CellResult(label, matches, None, reason, bool(unsupported), compared)


def keys(query: Query, implementation: str) -> Iterator[Key]:
    """Yield the key of each case of a query for an implementation."""
    return (Key(query.workload, implementation, case.slug, query.target) for case in query.cases())


def sweeps(cases: Sequence[Case], sweep: str) -> list[list[Case]]:
    """Group the cases that differ only in one parameter, sorted by its number; names keep the suite's order."""
    groups: dict[tuple[tuple[str, str], ...], list[Case]] = {}
    for case in cases:
        others = {name: text for name, text in case.texts().items() if name in type(case).model_fields}
        others.pop(sweep)
        groups.setdefault(tuple(others.items()), []).append(case)

    if not has_numbers(cases, sweep):
        return list(groups.values())
    return [sorted(group, key=lambda case: float(case.texts()[sweep])) for group in groups.values()]


def has_numbers(cases: Sequence[Case], parameter: str) -> bool:
    """Whether all values of a parameter are numbers."""
    try:
        for case in cases:
            float(case.texts()[parameter])
    except ValueError:
        return False
    return True
