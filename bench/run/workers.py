"""Keeps the workers of a run: processes that import libraries, and forks of these that measure.

One process imports what several implementations need, and lives for the whole run. An implementation is loaded and
prepared in a fork of it, and again in another fork for each further process that it is timed in.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from math import inf
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NamedTuple, Self, TypeVar

from bench import environments
from bench.core.budget import Budget
from bench.core.errors import RunError
from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import Status
from bench.core.target import Target
from bench.run.executors.local import LocalWorker
from bench.run.protocol import Reply
from bench.run.timeline import Timeline

T = TypeVar("T")
EVALUATION_TIMEOUTS = 10
"""The timeout of an evaluation, which calls a trained network for each image of a dataset, in those of other steps."""
SLOW_TO_LOAD_S = 0.5
"""An implementation that takes longer to load, libraries aside, is loaded once and then forked."""


class Libraries(NamedTuple):
    """What a worker imports for implementations."""

    names: tuple[str, ...]
    """Distributions."""
    environment: tuple[str, ...]
    """Requirements of the implementations' own environment; empty where the worker imports what is installed."""

    @property
    def log_name(self) -> str:
        """File name of the worker's log."""
        own = (environments.key(self.environment),) if self.environment else ()
        return f"libraries-{'+'.join((*self.names, *own)) or 'none'}.log"


class ProcessRunner:
    """Asks a process for one step after another, each with a timeout."""

    def __init__(self, worker: LocalWorker, timeout_s: float, timeline: Timeline) -> None:
        self.worker, self._timeout_s, self._timeline = worker, timeout_s, timeline

    def ask(self, step: str, **arguments: Any) -> Reply:
        """Run a step. If the process died after its last good reply, this reply says how.

        Building takes as long as it takes, and an evaluation EVALUATION_TIMEOUTS times as long as other steps may.
        """
        timeout_s = self._timeout_s * {"build": inf, "evaluate": EVALUATION_TIMEOUTS}.get(step, 1)
        reply = self.worker.ask(step, timeout_s, **arguments)
        self._timeline.add(step, reply.seconds)
        return reply

    def end(self) -> None:
        """End the process, and with it whatever it holds."""
        self.worker.kill()


class Workers:
    """The processes of a run. It is a context manager; leaving it ends all of them."""

    def __init__(self, target: Target, budget: Budget, logs: Path) -> None:
        self.target = target
        self.timeline = Timeline()
        self._budget = budget
        self._logs = logs
        self._cores = target.preparing_cores
        self._libraries: dict[Libraries, LocalWorker] = {}
        """Workers that only import, by what they import."""
        self._preloaded_for: set[ImplementationSpec] = set()
        """Implementations whose library worker has been asked to import the further modules that they need."""
        self._slow_to_load: dict[ImplementationSpec, LocalWorker] = {}
        self._failed_to_load: dict[ImplementationSpec, Reply] = {}
        """The reply for each implementation whose import failed: it would fail again in the next case."""
        self._closing = False
        """Whether the run is ending, so that no lost worker is replaced any more."""
        self._scratch = TemporaryDirectory(prefix="featherbench-")
        self.scratch = Path(self._scratch.name)
        self._pool = ThreadPoolExecutor(len(self._cores))
        self._lock = Lock()
        self._free_cores: SimpleQueue[tuple[int, ...]] = SimpleQueue()
        for cores in self._cores:
            self._free_cores.put(cores)

    @property
    def restarts(self) -> bool:
        """False on a GPU, where a context for each process would take too much time and memory."""
        return self.target.kind != "cuda"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.interrupt()
        self._pool.shutdown()
        for worker in (*self._slow_to_load.values(), *self._libraries.values()):
            worker.kill()
        self._scratch.cleanup()

    def interrupt(self) -> None:
        """Kill all processes, so that no thread waits for one any longer."""
        self._closing = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in (*self._slow_to_load.values(), *self._libraries.values()):
            worker.interrupt()  # and with it its forks

    def in_parallel(self, step: Callable[[T, tuple[int, ...]], object], items: Iterable[T]) -> None:
        """Call ``step(item, cores)`` for each item, as many at once as there are cores; nothing is timed meanwhile."""

        def on_free_cores(item: T) -> None:
            cores = self._free_cores.get()
            try:
                step(item, cores)
            finally:
                self._free_cores.put(cores)

        for _ in self._pool.map(on_free_cores, items):
            pass

    def import_libraries(self, specs: Iterable[ImplementationSpec]) -> None:
        """Import the implementations' libraries, once for all that need the same; again where that worker was lost."""
        wanted = dict.fromkeys(map(_required_libraries, specs))
        new = [libraries for libraries in wanted if not ((kept := self._libraries.get(libraries)) and kept.alive)]
        for libraries in new:  # all at once: while one imports, others start up
            if lost := self._libraries.get(libraries):
                lost.kill()
            self._libraries[libraries] = self._spawn(libraries)
        self.in_parallel(self._import, new)

    def start_runner(
        self, spec: ImplementationSpec, workload_source: str, cores: tuple[int, ...]
    ) -> ProcessRunner | Reply:
        """Start a process with the implementation loaded, or return the reply that says why there is none.

        The process is forked from the worker that has imported its libraries, and loads the implementation anew, so
        that its code lies elsewhere in memory. Modules of these libraries that it imports in addition are then imported
        by that worker too. If loading is slow for another reason, later processes are forked from this one.
        """
        if spec in self._failed_to_load:
            return self._failed_to_load[spec]
        loaded = self._slow_to_load.get(spec)
        if loaded and loaded.alive:
            return self._fork(loaded, spec)
        forked = self._fork_from_libraries(spec, cores)
        if isinstance(forked, Reply):
            return forked
        reply = forked.ask(
            "load",
            spec=asdict(spec),
            workload_source=workload_source,
            target=str(self.target),
            memory_limit=self._budget.memory_bytes,
            cores=cores,
        )
        if reply.status is not Status.PASSED:
            forked.end()
            permanent = reply.status in (Status.FAILED, Status.CRASHED)  # Time and memory may suffice the next time.
            if permanent and self._libraries[_required_libraries(spec)].alive:
                self._failed_to_load[spec] = reply
            return reply
        if reply.result["imported"] and spec not in self._preloaded_for:
            self._preloaded_for.add(spec)
            library = ProcessRunner(self._libraries[_required_libraries(spec)], self._budget.timeout_s, self.timeline)
            library.ask("preload_modules", modules=reply.result["imported"], cores=cores)
            return forked
        if reply.seconds < SLOW_TO_LOAD_S:
            return forked
        with self._lock:
            kept = self._slow_to_load.get(spec)
            if kept is None or not kept.alive:
                kept = self._slow_to_load[spec] = forked.worker
        if kept is not forked.worker:  # Another thread has loaded it meanwhile.
            forked.end()
        return self._fork(kept, spec)

    def _fork_from_libraries(self, spec: ImplementationSpec, cores: tuple[int, ...]) -> ProcessRunner | Reply:
        """Fork the worker that has imported these libraries, or a new one where that has just been lost."""
        libraries = _required_libraries(spec)
        library = self._libraries[libraries]
        forked = self._fork(library, spec)
        if isinstance(forked, ProcessRunner) or library.alive or self._closing:
            return forked
        with self._lock:
            if self._libraries[libraries] is library:
                library.kill()
                self._libraries[libraries] = self._spawn(libraries)
                self._import(libraries, cores)
        return self._fork(self._libraries[libraries], spec)

    def _fork(self, parent: LocalWorker, spec: ImplementationSpec) -> ProcessRunner | Reply:
        forked = parent.fork(self._logs / f"{spec.workload}-{spec.name}.log", self._budget.timeout_s)
        return forked if isinstance(forked, Reply) else ProcessRunner(forked, self._budget.timeout_s, self.timeline)

    def _import(self, libraries: Libraries, cores: tuple[int, ...]) -> None:
        """Have a worker import its libraries; where that fails, a new one without them takes its place."""
        worker = ProcessRunner(self._libraries[libraries], self._budget.timeout_s, self.timeline)
        if worker.ask("preload", distributions=list(libraries.names), cores=cores).status is not Status.PASSED:
            worker.end()
            self._libraries[libraries] = self._spawn(libraries)

    def _spawn(self, libraries: Libraries) -> LocalWorker:
        self._preloaded_for = {spec for spec in self._preloaded_for if _required_libraries(spec) != libraries}
        packages = environments.packages(libraries.environment) if libraries.environment else None
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
            return LocalWorker.spawn(self.target, self._cores[0], self._logs / libraries.log_name, packages)
        except OSError as error:
            raise RunError(
                f"cannot start a worker with its log in {self._logs}: {error.strerror}; "
                "make room and go on with --resume"
            ) from None


def _required_libraries(spec: ImplementationSpec) -> Libraries:
    return Libraries(tuple(sorted(spec.requires)), tuple(sorted(spec.environment)))
