"""Builds the artifacts that sessions need, several at once; nothing is timed meanwhile."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

from bench import artifacts
from bench.core.budget import Budget
from bench.core.case import DEFAULTS
from bench.core.implementation_spec import ImplementationSpec
from bench.core.loading import workload_source
from bench.core.record import Status
from bench.core.target import Target
from bench.run.plan import Session
from bench.run.protocol import Reply
from bench.run.workers import ProcessRunner, Workers

POLL_S = 1.0
"""Time between two looks at how far the artifacts are built, s."""


@dataclass
class Job:
    """An artifact to build, and the result."""

    session: Session
    spec: ImplementationSpec
    key: str
    label: str
    seconds: float | None = None
    """How long building it took now; None: not built yet."""
    failure: str = ""

    @property
    def is_open(self) -> bool:
        return self.seconds is None and not self.failure


class BuildDisplay(Protocol):
    """Shows how far artifacts are built."""

    def expect(self, jobs: Sequence[Job]) -> None:
        """Say what will be built."""

    def update(self, running: Sequence[Job]) -> None:
        """Show how far the running ones are; ``bench.artifacts.progress`` returns it."""

    def end(self, job: Job) -> None:
        """Show the result of one."""


def build_target(target: Target) -> Target:
    """Return where artifacts for a target are built: on a GPU for a GPU, otherwise on one core each."""
    return target if target.kind == "cuda" else Target("edge", target.isa)


def find_jobs(sessions: Sequence[Session], workers: Workers) -> list[Job]:
    """Return the artifacts that are not built yet, each once; where one cannot even be described, a failed job.

    What an implementation does not support has no artifact.
    """
    jobs: dict[str, Job] = {}
    runners: dict[ImplementationSpec, ProcessRunner | Reply] = {}
    pairs = [(session, spec) for session in sessions if session.workload.uses_artifacts for spec in session.specs]
    workers.import_libraries(dict.fromkeys(spec for _, spec in pairs))
    for session, spec in pairs:
        if spec not in runners:
            runners[spec] = workers.start_runner(spec, workload_source(session.workload), workers.target.cores)
        runner = runners[spec]
        parameters = session.case.model_dump(mode="json")
        reply = runner if isinstance(runner, Reply) else runner.ask("list_artifacts", parameters=parameters)
        if reply.status not in (Status.PASSED, Status.UNSUPPORTED):
            label = f"{spec.label} {session.case.slug or DEFAULTS}"
            jobs[label] = Job(session, spec, "", label, failure=reply.reason)
        for artifact in reply.result.get("artifacts", ()):
            if artifacts.describe(artifact["key"]) is None:
                jobs.setdefault(artifact["key"], Job(session, spec, **artifact))
    for runner in runners.values():
        if isinstance(runner, ProcessRunner):
            runner.end()
    return list(jobs.values())


def build(
    sessions: Sequence[Session], target: Target, logs: Path, display: BuildDisplay, jobs_at_once: int | None = None
) -> list[Job]:
    """Build what is missing for ``sessions``; return the jobs, failed ones among them.

    Args:
        sessions: what will be measured.
        target: where it will be measured; see ``build_target``.
        logs: folder for what the workers print.
        display: shows the progress.
        jobs_at_once: how many are built at once; by default one on each core.
    """
    with Workers(build_target(target), Budget(), logs) as workers:
        jobs = find_jobs(sessions, workers)
        if jobs:
            display.expect(jobs)
            for job in jobs:
                if job.failure:
                    display.end(job)
            _make_all([job for job in jobs if job.is_open], workers, display, jobs_at_once)
        return jobs


def _make_all(jobs: Sequence[Job], workers: Workers, display: BuildDisplay, jobs_at_once: int | None) -> None:
    free: SimpleQueue[tuple[int, ...]] = SimpleQueue()
    sets_of_cores = workers.target.preparing_cores[-jobs_at_once:] if jobs_at_once else workers.target.preparing_cores
    if workers.target.kind == "cuda":
        sets_of_cores = sets_of_cores[:1]  # One training fills a GPU.
    for cores in sets_of_cores:
        free.put(cores)
    running: list[Job] = []
    lock = threading.Lock()

    def run(job: Job) -> None:
        cores = free.get()
        with lock:
            running.append(job)
        try:
            _make(job, workers, cores)
        finally:
            free.put(cores)
            with lock:
                running.remove(job)

    with ThreadPoolExecutor(len(sets_of_cores)) as pool:
        futures = {pool.submit(run, job): job for job in jobs}
        try:
            while futures:
                for future in [future for future in futures if future.done()]:
                    future.result()
                    display.end(futures.pop(future))
                with lock:
                    display.update(list(running))
                time.sleep(min(POLL_S, 0.05 * len(futures)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            workers.interrupt()
            raise


def _make(job: Job, workers: Workers, cores: tuple[int, ...]) -> None:
    runner = workers.start_runner(job.spec, workload_source(job.session.workload), cores)
    if isinstance(runner, Reply):
        job.failure = runner.reason
        return
    parameters: dict[str, Any] = job.session.case.model_dump(mode="json")
    reply = runner.ask("build", parameters=parameters, cores=cores)
    runner.end()
    if reply.status is Status.PASSED:
        job.seconds = reply.result["build_s"]
    else:
        job.failure = reply.reason
