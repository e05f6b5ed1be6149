"""Starts a run, or goes on with one."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, noise, store
from bench.core.errors import BadUse
from bench.core.record import Record
from bench.core.registry import Entry
from bench.core.target import Target
from bench.run.plan import Sitting, plan, to_measure
from bench.run.scheduler import Display, Split, carry_out
from bench.run.workers import Limits
from bench.store import Request, Run, RunInfo

BUDGET_S = 8.0
HARNESS_LIBRARIES = ("numpy", "pydantic")


@dataclass(frozen=True)
class Outcome:
    """A finished run, and what this call did for it."""

    run: Run
    split: Split
    measured: int
    """Records made by this call."""


def launch(
    request: Request,
    *,
    limits: Limits | None = None,
    budget_s: float = BUDGET_S,
    resume: bool = False,
    name: str | None = None,
    results: Path = store.LOCAL,
    display: Display | None = None,
) -> Outcome:
    """Measure what ``request`` asks for; raises BadUse before anything starts, or CannotGoOn.

    With ``resume``, goes on with the run called ``name``, or the newest that was made by an equal request on this
    machine with these libraries; where there is none, a new one begins.
    """
    began = time.perf_counter()
    sittings = plan(request)
    run = _open(request, sittings, resume, name, results)
    target = Target.parse(request.target)
    todo = to_measure(sittings, run.records, target)
    split = carry_out(todo, run, limits or Limits(), budget_s, display or Silent())
    split.total = time.perf_counter() - began
    return Outcome(run, split, sum(len(sitting.keys(target)) for sitting in todo))


class Silent:
    """A display that shows nothing."""

    def begin(self, sitting: Sitting) -> None:
        pass

    def step(self, text: str) -> None:
        pass

    def end(self, records: Sequence[Record]) -> None:
        pass


def _open(request: Request, sittings: Sequence[Sitting], resume: bool, name: str | None, results: Path) -> Run:
    entries = list(dict.fromkeys(entry for sitting in sittings for entry in (*sitting.entries, *sitting.unable)))
    libraries = sorted({name for entry in entries if not entry.missing() for name in entry.requires})
    here = machine.environment({*libraries, *HARNESS_LIBRARIES})
    if resume and (found := _earlier(request, here.fingerprint, name, results)):
        return found
    now = datetime.now(UTC)
    name = name or store.new_name(request, now)
    folder = machines(results)
    try:
        limits = machine.limits(folder)
    except OSError as error:
        raise BadUse(f"cannot write to {folder}: {error.strerror}; choose another folder with --results") from None
    info = RunInfo(
        name=name,
        command=" ".join(["featherbench", *sys.argv[1:]]),
        started=now,
        request=request,
        threads=len(Target.parse(request.target).cores),
        environment=here,
        limits=limits,
        noise_floor=floor.ratio if (floor := noise.load(folder, here.machine_id)) else None,
        notes=_notes(entries),
    )
    return Run.create(results / name, info)


def _earlier(request: Request, fingerprint: str, name: str | None, results: Path) -> Run | None:
    """The run to go on with."""
    if name is None:
        same = [run for run in store.runs(results) if run.info.request == request]
        here = [run for run in same if run.info.environment.fingerprint == fingerprint]
        if same and not here:
            store.log.warning("%s is from another machine or other libraries; a new run begins", same[-1].name)
        return here[-1] if here else None
    if not (results / name / "run.json").exists():
        return None
    run = Run.open(results / name)
    if run.info.request != request:
        raise BadUse(f"run {name} was made by another request, {run.info.command!r}; give another --name")
    if run.info.environment.fingerprint != fingerprint:
        raise BadUse(f"run {name} was measured on another machine or with other libraries; give another --name")
    return run


def _notes(entries: Sequence[Entry]) -> dict[str, str]:
    return {entry.name: entry.note or entry.summary for entry in entries}


def machines(results: Path) -> Path:
    """Where limits and noise floors of machines are kept."""
    return results / "machines"
