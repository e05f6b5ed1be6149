"""The workers of a run: started when first needed, replaced when lost."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.core.record import Status
from bench.core.registry import Entry
from bench.core.target import Target
from bench.run.executors.local import LocalWorker
from bench.run.protocol import Reply


@dataclass(frozen=True)
class Limits:
    """What a worker may take."""

    timeout_s: float = 120.0
    """For one step: an import, a prepare, a check, a turn."""
    memory_bytes: int = 4 << 30
    """What it may ask for beyond its libraries."""


class Workers:
    """One worker process for each implementation. Use it as a context; leaving it ends them all."""

    def __init__(self, target: Target, limits: Limits, logs: Path) -> None:
        self._target = target
        self._limits = limits
        self._logs = logs
        self._running: dict[Entry, LocalWorker] = {}
        self._never: dict[Entry, Reply] = {}
        """Implementations whose import failed; the next case would find the same."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for entry in list(self._running):
            self._running.pop(entry).kill()

    def ask(self, entry: Entry, step: str, **arguments: Any) -> Reply:
        """Have the implementation's worker do a step. ``load`` starts it where none is running."""
        if step == "load":
            return self._load(entry, **arguments)
        worker = self._running[entry]
        reply = worker.ask(step, self._limits.timeout_s, **arguments)
        if not worker.alive:
            del self._running[entry]
        return reply

    def drop(self, entry: Entry) -> None:
        """Have the worker forget its case; one that cannot is replaced at the next."""
        if entry in self._running and self.ask(entry, "drop").status is not Status.PASSED:
            self._end(entry)

    def _load(self, entry: Entry, workload_module: str) -> Reply:
        if entry in self._never:
            return self._never[entry]
        if entry in self._running:
            return Reply(seconds=0.0)
        self._logs.mkdir(exist_ok=True)
        worker = LocalWorker(entry, self._target, self._logs / f"{entry.workload}-{entry.name}.log")
        self._running[entry] = worker
        reply = worker.load(workload_module, self._target, self._limits.memory_bytes, self._limits.timeout_s)
        if reply.status is not Status.PASSED:
            self._end(entry)
            self._never[entry] = reply.model_copy(update={"seconds": 0.0})
        return reply

    def _end(self, entry: Entry) -> None:
        if worker := self._running.pop(entry, None):
            worker.kill()
