"""What a report is made of: the records of one workload on one target in one run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.core import registry
from bench.core.errors import BadUse
from bench.core.record import Record
from bench.core.workload import Metric, Workload
from bench.report.compare import Row
from bench.report.frame import metric_column, metric_columns, parameter_columns, parameter_text
from bench.store import Run


@dataclass(frozen=True)
class Section:
    run: Run
    workload: str
    target: str
    rows: pd.DataFrame
    """As ``frame`` makes them, without the parameters of other workloads."""
    comparisons: list[Row]

    @property
    def title(self) -> str:
        """The workload as it calls itself, on its target."""
        return f"{self._known.title if self._known else self.workload} on {self.target}"

    @property
    def records(self) -> list[Record]:
        """Those of its run that it is about."""
        return [r for r in self.run.records if (r.workload, r.target) == (self.workload, self.target)]

    @property
    def remark(self) -> str:
        """What the workload has every reader know; empty where that is nothing."""
        return self._known.remark if self._known else ""

    @property
    def baseline(self) -> str | None:
        return next((row.against for row in self.comparisons if row.against), None)

    @property
    def sweep(self) -> str | None:
        """The parameter to draw latency against, where the workload names one."""
        return self._parameter(self._known.sweep) if self._known else None

    @property
    def repeats(self) -> str | None:
        """The parameter, a seed, that tells repeats of one experiment apart, where the workload names one."""
        return self._parameter(self._known.repeats) if self._known else None

    @property
    def shared(self) -> str:
        """The parameters that all cases have alike, e.g. ``dataset cora, epochs 100``."""
        alike = [name for name in parameter_columns(self.rows) if self.rows[name].nunique(dropna=False) == 1]
        return ", ".join(f"{name} {parameter_text(self.rows[name].iloc[0])}" for name in alike)

    @property
    def described(self) -> tuple[Metric, ...]:
        """What the workload says of the metrics and curves of its checks."""
        return self._known.metrics if self._known else ()

    @property
    def metrics(self) -> list[Metric]:
        """Of these the metrics that the records have, the one that implementations are judged by first."""
        return [metric for metric in self.described if metric_column(metric.name) in metric_columns(self.rows)]

    @property
    def _known(self) -> Workload | None:
        """The workload, where this checkout knows it."""
        try:
            return registry.workload(self.workload)
        except BadUse:
            return None

    def _parameter(self, name: str | None) -> str | None:
        return name if name in parameter_columns(self.rows) else None


def sections(runs: Sequence[Run], table: pd.DataFrame, comparisons: Sequence[Row]) -> Iterator[Section]:
    """Every run's workloads and targets, in the order measured."""
    for run in runs:
        for workload, target in dict.fromkeys((record.workload, record.target) for record in run.records):
            here = (table["run"] == run.name) & (table["workload"] == workload) & (table["target"] == target)
            matching = [
                row for row in comparisons if (row.run, row.workload, row.target) == (run.name, workload, target)
            ]
            rows = table[here]
            foreign = [name for name in parameter_columns(rows) if rows[name].isna().all()]
            yield Section(run, workload, target, rows.drop(columns=foreign), matching)
