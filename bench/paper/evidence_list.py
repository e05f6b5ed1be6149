"""The evidence that a page lists: sets of records that its numbers come from, and what each record says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.claims.evidence import RecordRef
from bench.core import registry
from bench.core.record import Record
from bench.report.accuracy_tables import value_text
from bench.report.units import duration
from bench.store import Run


class RecordView(NamedTuple):
    """A record as the page lists it."""

    number: int
    """Its anchor ends with it."""
    ref: RecordRef
    result: str
    """The latency of a call, and the primary metric where the workload has metrics; or why there is none."""


@dataclass
class EvidenceList:
    """The sets of records that numbers of a page come from, each listed once."""

    sets: dict[tuple[RecordRef, ...], str] = field(default_factory=dict)
    """The anchor of each set."""

    def anchor(self, records: Sequence[RecordRef]) -> str:
        """Return the anchor of a set of records, which the page will list."""
        return self.sets.setdefault(tuple(records), f"evidence-{len(self.sets) + 1}")

    @property
    def refs(self) -> list[RecordRef]:
        """All records, each once and in order."""
        return sorted({ref for refs in self.sets for ref in refs})

    def runs(self, runs: Sequence[Run]) -> list[Run]:
        """Return the runs that some record of the list is from."""
        names = {ref.run for ref in self.refs}
        return [run for run in runs if run.name in names]

    def records(self, runs: Sequence[Run]) -> list[RecordView]:
        """Return all records of the list with what they say."""
        known = {(run.name, record.key): record for run in self.runs(runs) for record in run.records}
        return [
            RecordView(number, ref, _result(record))
            for number, ref in enumerate(self.refs, 1)
            for record in [known[ref.run, ref.key]]
        ]


def _result(record: Record) -> str:
    latency = duration(record.latency.estimate) if record.latency else record.status.replace("_", " ")
    metrics = registry.workload(record.workload).metrics
    value = record.check.metrics.get(metrics[0].name) if metrics and record.check else None
    return latency if value is None else f"{latency}, {metrics[0].title} {value_text(metrics[0], value)}"
