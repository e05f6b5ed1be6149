"""Runs workers in this process, for tools that time calls themselves: the same steps, but nothing is isolated."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.core.budget import Budget
from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import Status
from bench.core.target import Target
from bench.run.protocol import Reply
from bench.run.steps import Worker, handle_request


class InProcess:
    """Keeps one worker for each implementation, which is loaded when it is first started."""

    restarts = False
    scratch = Path()  # unused, since nothing is restarted

    def __init__(self, target: Target) -> None:
        self.target = target
        self._workers: dict[ImplementationSpec, Worker] = {}

    def start_runner(
        self, spec: ImplementationSpec, workload_source: str, cores: tuple[int, ...]
    ) -> "InProcessRunner | Reply":
        """Return a runner with the implementation loaded, or the reply that says why it cannot be loaded."""
        if spec not in self._workers:
            worker = Worker()
            request = {
                "spec": asdict(spec),
                "workload_source": workload_source,
                "target": str(self.target),
                "memory_limit": Budget().memory_bytes,
                "cores": cores,
            }
            reply = handle_request(worker, {"step": "load", **request})
            if reply.status is not Status.PASSED:
                return reply
            self._workers[spec] = worker
        return InProcessRunner(self._workers[spec])


class InProcessRunner:
    """Asks a worker for one step after another."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def ask(self, step: str, **arguments: Any) -> Reply:
        return handle_request(self.worker, {"step": step, **arguments})

    def end(self) -> None:
        self.worker.drop()
