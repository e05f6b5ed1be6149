"""The workers of a run: started when first needed, replaced when lost."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.core.errors import CannotGoOn
from bench.core.record import Status
from bench.core.registry import Entry
from bench.core.target import Target
from bench.run.executors.local import LocalWorker
from bench.run.protocol import Reply


@dataclass(frozen=True)
class Allowance:
    """What a worker may take."""

    timeout_s: float = 120.0
    """For one step: an import, a prepare, a check, a turn."""
    memory_bytes: int = 4 << 30
    """What it may ask for beyond its libraries."""


class Workers:
    """One worker process for each implementation. Use it as a context; leaving it ends them all."""

    def __init__(self, target: Target, allowance: Allowance, logs: Path) -> None:
        self._target = target
        self._allowance = allowance
        self._logs = logs
        self._running: dict[Entry, LocalWorker] = {}
        self._loaded: set[Entry] = set()
        self._never: dict[Entry, Reply] = {}
        """Implementations whose import failed; the next case would find the same."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for entry in list(self._running):
            self._end(entry)

    def start(self, entries: Iterable[Entry]) -> None:
        """Start the workers that are not running, all at once: while one imports its libraries, others start up."""
        for entry in entries:
            if entry not in self._running and entry not in self._never:
                self._running[entry] = self._spawn(entry)

    def ask(self, entry: Entry, step: str, **arguments: Any) -> Reply:
        """Have the implementation's worker, started before, do a step."""
        if step == "load":
            return self._load(entry, **arguments)
        worker = self._running[entry]
        reply = worker.ask(step, self._allowance.timeout_s, **arguments)
        # One that dies right after a good answer stays: its next step tells how it died.
        if reply.status is not Status.PASSED and not worker.alive:
            self._end(entry)
        return reply

    def drop(self, entry: Entry) -> None:
        """Have the worker forget its case; one that cannot is replaced at the next."""
        if entry in self._running and self.ask(entry, "drop").status is not Status.PASSED:
            self._end(entry)

    def _load(self, entry: Entry, workload_module: str) -> Reply:
        if entry in self._never:
            return self._never[entry]
        if entry in self._loaded:
            return Reply(seconds=0.0)
        reply = self._running[entry].load(
            workload_module, self._target, self._allowance.memory_bytes, self._allowance.timeout_s
        )
        if reply.status is not Status.PASSED:
            self._end(entry)
            self._never[entry] = reply.model_copy(update={"seconds": 0.0})
        else:
            self._loaded.add(entry)
        return reply

    def _spawn(self, entry: Entry) -> LocalWorker:
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
            return LocalWorker(entry, self._target, self._logs / f"{entry.workload}-{entry.name}.log")
        except OSError as error:
            raise CannotGoOn(
                f"cannot start a worker with its log in {self._logs}: {error.strerror}; "
                "make room and go on with --resume"
            ) from None

    def _end(self, entry: Entry) -> None:
        if worker := self._running.pop(entry, None):
            worker.kill()
        self._loaded.discard(entry)
