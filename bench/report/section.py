"""Sections of a report: the records of one workload on one target in one run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.core import registry
from bench.core.errors import UsageError
from bench.core.record import Record
from bench.core.workload import Metric, Workload
from bench.report.compare import Comparison
from bench.report.frame import column_text, derived_columns, metric_column, metric_columns, parameter_columns
from bench.store import Run


@dataclass(frozen=True)
class Section:
    """The records of one run, workload and target, with their comparisons."""

    run: Run
    workload: str
    target: str
    rows: pd.DataFrame
    """Rows of ``frame``, without the parameters of other workloads."""
    comparisons: list[Comparison]
    axis: str | None = None
    """The parameter that the reader wants on the horizontal axis, in place of the workload's ``sweep``."""

    @property
    def title(self) -> str:
        """The workload's title and its target."""
        return f"{self._known.title if self._known else self.workload} on {self.target}"

    @property
    def records(self) -> list[Record]:
        """The records of its run that belong to it."""
        key = (self.workload, self.target)
        return [record for record in self.run.records if (record.workload, record.target) == key]

    @property
    def remark(self) -> str:
        """The workload's remark for every reader; empty where it has none."""
        return self._known.remark if self._known else ""

    @property
    def baseline(self) -> str | None:
        return next((row.against for row in self.comparisons if row.against), None)

    @property
    def sweep(self) -> str | None:
        """The parameter on the horizontal axis of latency figures, where the reader or the workload names one."""
        return self._parameter(self.axis) or (self._parameter(self._known.sweep) if self._known else None)

    @property
    def seed_parameter(self) -> str | None:
        """The parameter, a seed, that distinguishes repeats of an experiment, where the workload names one."""
        return self._parameter(self._known.seed_parameter) if self._known else None

    @property
    def shared(self) -> str:
        """The parameters that have one value in all cases."""
        return shared_parameters(self.rows)

    @property
    def described(self) -> tuple[Metric, ...]:
        """The workload's descriptions of the metrics and curves of its checks."""
        return self._known.metrics if self._known else ()

    @property
    def metrics(self) -> list[Metric]:
        """The described metrics that the records have; the first is the primary one."""
        return [metric for metric in self.described if metric_column(metric.name) in metric_columns(self.rows)]

    @property
    def _known(self) -> Workload | None:
        """The workload, where this checkout knows it."""
        try:
            return registry.workload(self.workload)
        except UsageError:
            return None

    def _parameter(self, name: str | None) -> str | None:
        return name if name in all_parameters(self.rows) else None


def sections(
    runs: Sequence[Run], table: pd.DataFrame, comparisons: Sequence[Comparison], axis: str | None = None
) -> Iterator[Section]:
    """Yield a section for each workload and target of every run, in the order measured.

    ``axis`` is the parameter for the horizontal axis of latency figures, where a section has it.
    """
    for run in runs:
        for workload, target in dict.fromkeys((record.workload, record.target) for record in run.records):
            selected = (table["run"] == run.name) & (table["workload"] == workload) & (table["target"] == target)
            matching = [
                row for row in comparisons if (row.run, row.workload, row.target) == (run.name, workload, target)
            ]
            rows = table[selected]
            foreign = [name for name in all_parameters(table) if rows[name].isna().all()]
            yield Section(run, workload, target, rows.drop(columns=foreign), matching, axis)


def shared_parameters(table: pd.DataFrame) -> str:
    """Return the parameters that have one value in all rows of a ``frame``, e.g. ``dataset cora, epochs 100``."""
    constant = [name for name in parameter_columns(table) if table[name].nunique(dropna=False) == 1]
    return ", ".join(f"{name} {column_text(table[name].iloc[0])}" for name in constant)


def all_parameters(table: pd.DataFrame) -> list[str]:
    """Return the columns of a ``frame`` that hold parameters of cases, derived ones last."""
    return [*parameter_columns(table), *derived_columns(table)]
