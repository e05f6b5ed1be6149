"""Evidence of a verdict: the records that it comes from, and a digest for each class of its inputs."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from bench.claims.model import Claim
from bench.claims.published import Cell
from bench.claims.rule import RULE_VERSION
from bench.core.case import DEFAULTS
from bench.core.record import Key, Record
from bench.report.query import Match
from bench.stats.interval import Interval
from bench.store import Run

CLASSES = {
    "claim": "its text, scope or rule",
    "published": "the published numbers that it refers to",
    "records": "its records",
    "machines": "the description of the machines of its runs",
    "values": "what is computed from them",
    "rule": "the way in which verdicts are decided",
}
"""The classes of inputs, and what has changed where the digest of a class has."""


class RecordRef(NamedTuple):
    """A record in evidence: its run, its key and the digest of its content."""

    run: str
    key: Key
    digest: str

    @property
    def name(self) -> str:
        """The run and the key as a text."""
        key = self.key
        return f"{self.run}: {key.implementation}, {key.case or DEFAULTS} ({key.workload}, {key.target})"


@dataclass(frozen=True)
class Evidence:
    """What a verdict comes from."""

    records: tuple[RecordRef, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    """A digest for each of CLASSES."""

    @property
    def runs(self) -> list[str]:
        """The names of the runs, in order."""
        return sorted({ref.run for ref in self.records})


def evidence(
    claim: Claim,
    published: Iterable[Cell],
    matches: Iterable[Match],
    values: Sequence[tuple[str, Interval | None]],
) -> Evidence:
    """Return the evidence of a verdict on ``claim`` from published cells and records, and the values of its cells."""
    unique = {(match.run.name, match.record.key): match for match in matches}
    refs = tuple(sorted(reference(match) for match in unique.values()))
    runs = {match.run.name: match.run for match in unique.values()}
    printed = [[cell.table, cell.row, cell.column, str(cell.number), cell.unit.name] for cell in published]
    return Evidence(
        refs,
        {
            "claim": _digest(claim.model_dump(mode="json", exclude_defaults=True)),
            "published": _digest(printed),
            "records": _digest([[ref.run, *ref.key, ref.digest] for ref in refs]),
            "machines": _digest([[name, _machines(runs[name])] for name in sorted(runs)]),
            "values": _digest([[label, interval and _rounded(interval)] for label, interval in values]),
            "rule": str(RULE_VERSION),
        },
    )


def reference(match: Match) -> RecordRef:
    """Return the reference to a record."""
    return RecordRef(match.run.name, match.record.key, _record_digest(_Identity(match.record)))


def references(matches: Iterable[Match]) -> tuple[RecordRef, ...]:
    """Return references to records, each once and in order."""
    return tuple(sorted({reference(match) for match in matches}))


def changed_classes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the classes of inputs whose digests differ between two verdicts; values only where nothing else does."""
    changed = [name for name in CLASSES if then.get(name) != now.get(name)]
    return [name for name in changed if name != "values" or changed == ["values"]]


@dataclass(frozen=True, eq=False)
class _Identity:
    """A record that is known by its identity, so that its digest can be cached."""

    record: Record

    def __hash__(self) -> int:
        return id(self.record)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.record is other.record


@cache
def _record_digest(identity: _Identity) -> str:
    return record_digest(identity.record)


def record_digest(record: Record) -> str:
    """Return the digest of what a record states; a field that a later release adds with a default changes nothing."""
    return hashlib.sha256(record.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:12]


def _machines(run: Run) -> dict[str, str]:
    return {name: machine.environment.fingerprint for name, machine in run.info.machines.items()}


def _rounded(interval: Interval) -> list[str]:
    """Return an interval as text to six digits: the last bits may depend on the machine that computes them."""
    return [f"{end:.6g}" for end in (interval.estimate, interval.low, interval.high)]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
