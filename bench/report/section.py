"""What a report is made of: the records of one workload on one target in one run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.core import registry
from bench.core.errors import BadUse
from bench.report.compare import Row
from bench.report.frame import parameter_columns
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
        try:
            name = registry.workload(self.workload).title
        except BadUse:
            name = self.workload
        return f"{name} on {self.target}"

    @property
    def baseline(self) -> str | None:
        return next((row.against for row in self.comparisons if row.against), None)

    @property
    def sweep(self) -> str | None:
        """The parameter to draw latency against, where the workload names one."""
        try:
            name = registry.workload(self.workload).sweep
        except BadUse:
            return None
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
