"""Which comparisons of a run are shown: what ``--impl`` and ``--case`` of ``featherbench compare`` select."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.core.case import parameter_text
from bench.core.case_filter import CaseFilter
from bench.core.errors import UsageError
from bench.report.compare import Comparison, seed_parameter
from bench.report.parameters import with_derived
from bench.report.times import Time
from bench.store import Run

Shown = TypeVar("Shown", Comparison, Time)


@dataclass(frozen=True)
class Selection:
    """Which comparisons to show: of which implementations (empty for all), and of which cases."""

    implementations: frozenset[str]
    cases: CaseFilter

    def has(self, implementation: str, parameters: Mapping[str, object]) -> bool:
        """Whether comparisons of an implementation on a case with these parameters are shown."""
        chosen = not self.implementations or implementation in self.implementations
        return chosen and self.cases.matches(_texts(parameters))

    def of(self, rows: Sequence[Shown], run: Run) -> list[Shown]:
        """Return the comparisons or times to show."""
        parameters = {(record.workload, record.case): with_derived(record) for record in run.records}
        return [row for row in rows if self.has(row.implementation, parameters[row.workload, row.cases[0]])]


def select(run: Run, implementations: Collection[str], filters: Sequence[str]) -> Selection:
    """Return what the options ``--impl`` and ``--case`` select in ``run``.

    Raises:
        UsageError: where a name or a value is in no record of the run, with the choices, or a filter has no value.
    """
    names = {record.implementation for record in run.records}
    if unknown := sorted(set(implementations) - names):
        raise UsageError(f"no implementation {unknown[0]!r} in run {run.name}; choose from {', '.join(sorted(names))}")
    cases = {(record.workload, record.case): _texts(with_derived(record)) for record in run.records}
    case_filter = CaseFilter.parse(filters, cases.values(), f"run {run.name}")
    seeds = {seed_parameter(name) for name in run.info.request.workloads}
    for name in case_filter.values:
        if name in seeds:
            raise UsageError(
                f"cases that differ in {name} are repeats, which are compared together; drop --case {name}=..."
            )
    return Selection(frozenset(implementations), case_filter)


def _texts(parameters: Mapping[str, object]) -> dict[str, str]:
    """Return parameters as a user writes them."""
    return {name: parameter_text(value) for name, value in parameters.items()}
