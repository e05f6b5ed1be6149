"""Kinds of machine: records of each are judged by themselves, and of equal records the newest counts."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from bench.core.record import Key
from bench.core.target import Target
from bench.machine import Environment
from bench.report.query import Match


class MachineKind(NamedTuple):
    """Hardware that gives comparable times; two servers of one model are of one kind."""

    cpu: str
    architecture: str
    caches: tuple[tuple[str, int], ...]
    """Bytes of one instance of each level."""
    isa: tuple[str, ...]
    """Instruction-set extensions."""
    cores: int | None
    """Cores given, for targets that use all of them."""
    gpu: str | None
    """The GPU, for targets that use it."""

    @classmethod
    def of(cls, environment: Environment, target: Target) -> Self:
        """Return the kind of machine that an environment describes, as far as it matters for a target."""
        return cls(
            environment.cpu,
            environment.architecture,
            tuple(sorted(environment.caches.items())),
            tuple(environment.isa),
            environment.cores_given if target.kind == "cpu" else None,
            environment.gpu if target.kind == "cuda" else None,
        )

    @property
    def name(self) -> str:
        """A short name, such as ``AMD EPYC, 48 KiB L1d``; servers hide the model of a processor, but not its caches."""
        if self.gpu:
            return self.gpu
        cache = "".join(f", {size >> 10} KiB {level}" for level, size in self.caches[:1])
        return f"{self.cpu}{cache}" + (f", {self.cores} cores" if self.cores else "")

    @property
    def id(self) -> str:
        """Identifier, 8 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()[:8]


def machine_kind(match: Match) -> MachineKind:
    """Return the kind of machine that made a record."""
    machines = match.run.info.machines
    machine = machines.get(match.record.machine, match.run.info.machine)
    return MachineKind.of(machine.environment, Target.parse(match.record.target))


def by_machine(matches: Iterable[Match]) -> dict[MachineKind, list[Match]]:
    """Return the records of each kind of machine, in the order of the kinds' names."""
    kinds: dict[tuple[str, str, str], MachineKind] = {}  # a run has thousands of records, and few machines
    groups: dict[MachineKind, list[Match]] = {}
    for match in matches:
        key = (match.run.name, match.record.machine, match.record.target)
        if key not in kinds:
            kinds[key] = machine_kind(match)
        groups.setdefault(kinds[key], []).append(match)
    return dict(sorted(groups.items(), key=lambda item: (item[0].name, item[0].id)))


class NewestRecords:
    """Records of one kind of machine, of which the newest of each key counts."""

    def __init__(self, matches: Sequence[Match]) -> None:
        self._by_key: dict[Key, dict[str, Match]] = {}
        oldest_first = sorted(matches, key=lambda match: match.record.started)  # stable: runs come oldest first
        for match in reversed(oldest_first):
            self._by_key.setdefault(match.record.key, {})[match.run.name] = match

    def newest(self, key: Key) -> Match | None:
        """Return the newest record of a key; None where there is none."""
        return next(iter(self._by_key.get(key, {}).values()), None)

    def together(self, first: Key, second: Key) -> tuple[Match, Match] | None:
        """Return the records of two keys from the newest run that has both; None where no run has."""
        others = self._by_key.get(second, {})
        pairs = ((match, others[run]) for run, match in self._by_key.get(first, {}).items() if run in others)
        return next(pairs, None)
