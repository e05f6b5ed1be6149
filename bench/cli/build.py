"""``featherbench build`` makes the artifacts that measurements need, such as trained networks."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bench import artifacts, build_progress
from bench.cli.options import (
    CaseFilters,
    Implementations,
    Json,
    Plugins,
    Problems,
    Suite,
    TargetName,
    Workloads,
    split_names,
)
from bench.cli.request import make_request
from bench.core import registry
from bench.core.budget import Budget
from bench.core.errors import UsageError
from bench.core.target import Target
from bench.report.units import counted, rough_time
from bench.run import building
from bench.run.plan import Session, plan
from bench.run.workers import Workers


def build(
    workload: Workloads = None,
    suite: Suite = None,
    impl: Implementations = None,
    case: CaseFilters = None,
    problem: Problems = None,
    target: TargetName = "edge",
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Number of artifacts to build at once, each on one core. Default: all cores."
        ),
    ] = None,
    plugin: Plugins = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Print what is not built yet, and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Build the artifacts, such as trained networks, that a later run needs.

    The options select cases as those of run do, which also builds what is missing; without a workload, all that use
    artifacts are built for. Nothing is timed, so other programs may run. An interrupted build, even a killed one, goes
    on after its last finished epoch. The exit status is 1 if something cannot be built.
    """
    registry.register(plugin or ())
    request = make_request(
        workload=workload or [name for name, known in registry.workloads().items() if known.uses_artifacts],
        suite=suite,
        problem=problem,
        layers_of=None,
        input_size=None,
        target=Target.parse(target),
        implementations=tuple(split_names(impl)),
        case_filters=tuple(case or ()),
        plugins=tuple(str(Path(file).resolve()) for file in plugin or ()),
    )
    sessions = plan(request)
    if not any(session.workload.uses_artifacts for session in sessions):
        raise UsageError(f"{', '.join(request.workloads)} uses no artifacts; measure it with featherbench run")
    if dry:
        return _print_missing(sessions, request.target, as_json)
    with build_progress.display() as shown:
        finished = building.build(sessions, request.target, artifacts.root() / "logs", shown, jobs)
    failed = [job for job in finished if job.failure]
    unavailable = {f"{spec.label}: {reason}" for session in sessions for spec, reason in session.unavailable.items()}
    if as_json:
        print(json.dumps([_summary(job) for job in finished], indent=2))
    else:
        for job in failed:
            print(f"failed: {job.label}: {job.failure}")
        count, work_s = len(finished) - len(failed), sum(job.seconds or 0.0 for job in finished)
        text = f"built {counted(count, 'artifact')} in {artifacts.root()} ({rough_time(work_s)} of work)"
        print(text if finished else "all artifacts are already built")
        for text in sorted(unavailable):
            print(f"not built: {text}")
    if failed or unavailable:
        raise typer.Exit(1)
    return None


def _print_missing(sessions: Sequence[Session], target: Target, as_json: bool) -> None:
    with (
        TemporaryDirectory(prefix="featherbench-") as logs,
        Workers(building.build_target(target), Budget(), Path(logs)) as workers,
    ):
        jobs = building.find_jobs(sessions, workers)
    if as_json:
        return print(json.dumps([_summary(job) for job in jobs], indent=2))
    for job in jobs:
        print(f"{job.key} {job.label}")
    print(f"{counted(len(jobs), 'artifact')} to build", file=sys.stderr)
    return None


def _summary(job: building.Job) -> dict[str, object]:
    return {"key": job.key, "label": job.label, "seconds": job.seconds, "failure": job.failure}
