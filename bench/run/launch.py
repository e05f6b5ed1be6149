"""Starts a run, or goes on with one."""

import shlex
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
from bench.limits import gpu, host
from bench.run import sources
from bench.run.plan import Sitting, plan, to_measure
from bench.run.scheduler import Display, Split, carry_out
from bench.run.workers import Allowance
from bench.store import Request, Run, RunInfo, Spending

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
    allowance: Allowance | None = None,
    budget_s: float = BUDGET_S,
    resume: bool = False,
    name: str | None = None,
    results: Path = store.LOCAL,
    display: Display | None = None,
) -> Outcome:
    """Measure what ``request`` asks for; raises BadUse before anything starts, or CannotGoOn.

    With ``resume``, goes on with the run called ``name``, or the newest that was made by an equal request on this
    machine with these libraries, this code and this budget; where there is none, a new one begins.
    """
    began = time.perf_counter()
    sittings = plan(request)
    allowance = allowance or Allowance()
    spending = Spending(budget_s=budget_s, timeout_s=allowance.timeout_s, memory_bytes=allowance.memory_bytes)
    run = _open(request, spending, sittings, resume, name, results)
    target = Target.parse(request.target)
    with run.locked():
        todo = to_measure(sittings, run.records, target)
        split = carry_out(todo, run, allowance, budget_s, display or Silent())
    split.total = time.perf_counter() - began
    return Outcome(run, split, sum(len(sitting.keys(target)) for sitting in todo))


class Silent:
    """A display that shows nothing."""

    def expect(self, cases: int) -> None:
        pass

    def begin(self, sitting: Sitting) -> None:
        pass

    def step(self, text: str) -> None:
        pass

    def end(self, records: Sequence[Record]) -> None:
        pass


def describe(
    request: Request,
    spending: Spending,
    entries: Sequence[Entry],
    results: Path,
    name: str | None = None,
    tools: Sequence[str] = (),
) -> RunInfo:
    """What would hold for all records of a run that began now; measures the machine's limits where nobody has.

    ``tools`` are further distributions whose versions matter. Raises BadUse where ``results`` cannot be written to.
    """
    now = datetime.now(UTC)
    libraries = {name for entry in entries if not entry.missing() for name in entry.requires}
    here = machine.environment({*libraries, *HARNESS_LIBRARIES, *tools})
    folder = machines(results)
    target = Target.parse(request.target)
    on_gpu = target.kind == "cuda"
    try:
        limits = gpu.limits(folder) if on_gpu else host.limits(folder)
    except OSError as error:
        raise BadUse(f"cannot write to {folder}: {error.strerror}; choose another folder with --results") from None
    return RunInfo(
        name=name or store.new_name(request, now),
        command=shlex.join(["featherbench", *sys.argv[1:]]),
        started=now,
        request=request,
        spending=spending,
        sources=sources.hashes(entries),
        threads=len(target.cores),
        environment=here,
        limits=limits,
        noise_floor=floor.ratio if not on_gpu and (floor := noise.load(folder, here.machine_id)) else None,
        notes={entry.label: entry.note or entry.summary for entry in entries},
    )


def _open(
    request: Request, spending: Spending, sittings: Sequence[Sitting], resume: bool, name: str | None, results: Path
) -> Run:
    entries = list(dict.fromkeys(entry for sitting in sittings for entry in (*sitting.entries, *sitting.unable)))
    info = describe(request, spending, entries, results, name)
    return (resume and _earlier(info, name, results)) or Run.create(results / info.name, info)


def _earlier(now: RunInfo, name: str | None, results: Path) -> Run | None:
    """The run to go on with: same request, machine, libraries, settings and code."""
    if name is None:
        same = [run for run in store.runs(results) if run.info.request == now.request]
        unchanged = [run for run in same if not _changed(run.info, now)]
        if same and not unchanged:
            store.log.warning("%s cannot be resumed: %s; a new run begins", same[-1].name, _changed(same[-1].info, now))
        if not same:
            store.log.warning("no run of this request to resume in %s; a new one begins", results)
        return unchanged[-1] if unchanged else None
    if not (results / name / "run.json").exists():
        return None
    run = Run.open(results / name)
    if run.info.request != now.request:
        raise BadUse(f"run {name} was made by another request, {run.info.command!r}; give another --name")
    if reason := _changed(run.info, now):
        raise BadUse(f"run {name} cannot be resumed: {reason}; give another --name")
    return run


def _changed(then: RunInfo, now: RunInfo) -> str:
    """Why what would be measured now does not belong beside an earlier run's records; empty where it does."""
    if then.environment.fingerprint != now.environment.fingerprint:
        return "it was measured on another machine or with other libraries"
    if then.spending != now.spending:
        return "its budget, timeout or memory limit was another"
    if then.environment.variables != now.environment.variables:
        return "variables that set threads or instruction sets have changed"
    edited = [name for name in now.sources | then.sources if now.sources.get(name) != then.sources.get(name)]
    return f"the code of {', '.join(edited)} has changed" if edited else ""


def machines(results: Path) -> Path:
    """Where limits and noise floors of machines are kept."""
    return results / "machines"
