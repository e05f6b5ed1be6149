"""Starts or resumes a run."""

import logging
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, noise, store
from bench.core.budget import Budget
from bench.core.errors import UsageError
from bench.core.implementation_spec import ImplementationSpec
from bench.core.record import Record
from bench.peaks import gpu, host
from bench.run import sources
from bench.run.building import BuildDisplay, Job, build
from bench.run.installing import find_installations, install, without_failed
from bench.run.plan import Session, plan, to_measure
from bench.run.scheduler import Display, run_plan
from bench.run.timeline import TimeBreakdown
from bench.store import Machine, Request, Run, RunInfo

HARNESS_LIBRARIES = ("numpy", "pydantic")

log = logging.getLogger("featherbench")


@dataclass(frozen=True)
class Outcome:
    """A finished run, and what this call did for it."""

    run: Run
    time: TimeBreakdown
    measured: int
    """Records made by this call."""


def launch(
    request: Request,
    *,
    budget: Budget | None = None,
    resume: bool = False,
    name: str | None = None,
    results: Path = store.LOCAL,
    display: Display | None = None,
    build_display: BuildDisplay | None = None,
) -> Outcome:
    """Measure what ``request`` asks for.

    With ``resume``, continue the run called ``name``, or the newest that was made by an equal request on this machine
    with these libraries, this code and this budget; where there is none, begin a new one.

    Raises:
        UsageError: where the request cannot be measured, before anything starts.
        RunError: where the run cannot go on.
    """
    began = time.perf_counter()
    sessions = plan(request)
    display = display or Silent()
    run = _open(request, budget or Budget(), sessions, resume, name, results, display.step)
    with run.locked():
        todo = to_measure(sessions, run.records, request.target)
        todo, install_s = _install(todo, display.step)
        with display.suspended():
            build_s = install_s + _build(todo, run, build_display)
        spent = run_plan(todo, run, display)
    spent.by_stage["building"] = spent.by_stage.get("building", 0.0) + build_s
    spent.total = time.perf_counter() - began
    return Outcome(run, spent, sum(len(session.keys(request.target)) for session in todo))


def _install(sessions: Sequence[Session], watch: Callable[[str], None]) -> tuple[list[Session], float]:
    """Install the environments that sessions need; return the sessions that remain, and the seconds that it took."""
    installations = find_installations(sessions)
    if not installations:
        return list(sessions), 0.0
    began = time.perf_counter()
    install(installations, watch)
    return without_failed(sessions, installations), time.perf_counter() - began


def _build(sessions: Sequence[Session], run: Run, display: BuildDisplay | None) -> float:
    """Make the artifacts that sessions need; return the seconds that it took. One that fails is tried again later."""
    if not any(session.workload.uses_artifacts for session in sessions):
        return 0.0
    began = time.perf_counter()
    build(sessions, run.info.target, run.folder / "logs", display or SilentBuild())
    return time.perf_counter() - began


class SilentBuild:
    """A display of builds that shows nothing."""

    def expect(self, jobs: Sequence[Job]) -> None:
        pass

    def update(self, running: Sequence[Job]) -> None:
        pass

    def end(self, job: Job) -> None:
        pass


class Silent:
    """A display that shows nothing."""

    def expect(self, sessions: Sequence[Session], budget: Budget) -> None:
        pass

    def begin(self, session: Session) -> None:
        pass

    def suspended(self) -> AbstractContextManager[None]:
        return nullcontext()

    def step(self, text: str) -> None:
        pass

    def end(self, records: Sequence[Record]) -> None:
        pass


def describe(
    request: Request,
    budget: Budget,
    specs: Sequence[ImplementationSpec],
    results: Path,
    name: str | None = None,
    tools: Sequence[str] = (),
) -> RunInfo:
    """Return what holds for all records of a run that begins now; measures the machine's peaks if none are stored.

    ``tools`` are further distributions whose versions matter.

    Raises:
        UsageError: where ``results`` cannot be written to.
    """
    return _with_peaks(_without_peaks(request, budget, specs, results, name, tools), results)


def _without_peaks(
    request: Request,
    budget: Budget,
    specs: Sequence[ImplementationSpec],
    results: Path,
    name: str | None,
    tools: Sequence[str] = (),
) -> RunInfo:
    """Return what holds for all records of a run that begins now, as far as it can be known without measuring."""
    now = datetime.now(UTC)
    libraries = {name for spec in specs if not spec.missing() for name in spec.requires}
    environment = machine.environment({*libraries, *HARNESS_LIBRARIES, *tools})
    machine_id = environment.machine_id
    known_floor = None if request.target.kind == "cuda" else noise.load(machines(results), machine_id)
    return RunInfo(
        name=name or store.new_name(request, now, results),
        command=shlex.join(["featherbench", *sys.argv[1:]]),
        started=now,
        request=request,
        budget=budget,
        sources=sources.hashes(specs),
        machines={
            machine_id: Machine(
                environment=environment,
                threads=len(request.target.cores),
                peaks=None,
                noise_floor=known_floor.ratio if known_floor else None,
            )
        },
        notes={spec.label: spec.note or spec.summary for spec in specs},
    )


def _with_peaks(info: RunInfo, results: Path, watch: Callable[[str], None] = lambda text: None) -> RunInfo:
    """Return ``info`` with the peaks of its machine; ``watch`` is called with what takes time."""
    folder = machines(results)
    try:
        folder.mkdir(parents=True, exist_ok=True)  # first, so that nothing is measured in vain
        peaks = gpu.peaks(folder, watch) if info.on_gpu else host.peaks(folder, watch=watch)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}; choose another folder with --results") from None
    ((machine_id, described),) = info.machines.items()
    return info.model_copy(update={"machines": {machine_id: described.model_copy(update={"peaks": peaks})}})


def _open(
    request: Request,
    budget: Budget,
    sessions: Sequence[Session],
    resume: bool,
    name: str | None,
    results: Path,
    watch: Callable[[str], None],
) -> Run:
    specs = list(dict.fromkeys(spec for session in sessions for spec in (*session.specs, *session.unavailable)))
    info = _without_peaks(request, budget, specs, results, name)
    if resume and (run := _run_to_resume(info, name, results)):
        return run
    return Run.create(results / info.name, _with_peaks(info, results, watch))


def _run_to_resume(now: RunInfo, name: str | None, results: Path) -> Run | None:
    """Return the run to resume, if any: it has the same request, machine, libraries, settings and code."""
    if name is None:
        runs = [run for run in store.runs(results) if run.info.request == now.request]
        unchanged = [run for run in runs if not _what_changed(run.info, now)]
        if runs and not unchanged:
            reason = _what_changed(runs[-1].info, now)
            log.warning("%s cannot be resumed: %s; a new run begins", runs[-1].name, reason)
        if not runs:
            log.warning("no run of this request to resume in %s; a new one begins", results)
        return unchanged[-1] if unchanged else None
    if not (results / name / "run.json").exists():
        return None
    run = Run.open(results / name)
    if run.info.request != now.request:
        raise UsageError(f"run {name} was started by a different request, {run.info.command!r}; choose another --name")
    if reason := _what_changed(run.info, now):
        raise UsageError(f"run {name} cannot be resumed: {reason}; give another --name")
    return run


def _what_changed(then: RunInfo, now: RunInfo) -> str:
    """Return why new records would not be comparable with an earlier run's; empty where they would be."""
    if then.machine.environment.fingerprint != now.machine.environment.fingerprint:
        return "it was measured on another machine or with other libraries"
    if then.budget != now.budget:
        return "its budget, timeout or memory limit was different"
    if then.machine.environment.variables != now.machine.environment.variables:
        return "variables that set threads or instruction sets have changed"
    edited = [name for name in now.sources | then.sources if now.sources.get(name) != then.sources.get(name)]
    return f"the code of {', '.join(edited)} has changed" if edited else ""


def machines(results: Path) -> Path:
    """Return the folder where peaks and noise floors of machines are kept."""
    return results / "machines"
