"""``featherbench build`` makes what measurements need: artifacts, such as trained networks, and environments."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bench import artifacts, build_progress, environments
from bench.cli.options import (
    CaseFilters,
    Implementations,
    InputSizes,
    Json,
    Model,
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
from bench.core.implementation_spec import ImplementationSpec
from bench.core.target import Target
from bench.report.units import counted, rough_time
from bench.run import building
from bench.run.installing import Installation, find_installations, install, without_failed
from bench.run.plan import Session, plan
from bench.run.workers import Workers


def build(
    workload: Workloads = None,
    suite: Suite = None,
    impl: Implementations = None,
    case: CaseFilters = None,
    problem: Problems = None,
    model: Model = None,
    input_size: InputSizes = None,
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
    """Build the artifacts, such as trained networks, and install the environments that a later run needs.

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
        model=model,
        input_size=input_size,
        target=Target.parse(target),
        implementations=tuple(split_names(impl)),
        case_filters=tuple(case or ()),
        plugins=tuple(str(Path(file).resolve()) for file in plugin or ()),
    )
    sessions = plan(request, installs=True)
    if not any(
        _needs_building(session, spec) for session in sessions for spec in (*session.specs, *session.unavailable)
    ):
        raise UsageError(
            f"{', '.join(request.workloads)} uses neither artifacts nor environments; measure it with featherbench run"
        )
    installations = find_installations(sessions)
    if dry:
        return _print_missing(sessions, installations, request.target, as_json)
    install(installations, lambda text: print(text, file=sys.stderr, flush=True))
    with build_progress.display() as shown:
        logs = artifacts.root() / "logs"
        finished = building.build(without_failed(sessions, installations), request.target, logs, shown, jobs)
    outcomes: list[Installation | building.Job] = [*installations, *finished]
    unavailable = {
        f"{spec.label}: {reason}"
        for session in sessions
        for spec, reason in session.unavailable.items()
        if _needs_building(session, spec)
    }
    if as_json:
        print(json.dumps([_summary(outcome) for outcome in outcomes], indent=2))
    else:
        _print_outcome(installations, finished)
        for text in sorted(unavailable):
            print(f"not built: {text}")
    if unavailable or any(outcome.failure for outcome in outcomes):
        raise typer.Exit(1)
    return None


def _needs_building(session: Session, spec: ImplementationSpec) -> bool:
    return session.workload.uses_artifacts or bool(spec.environment)


def _print_outcome(installations: Sequence[Installation], finished: Sequence[building.Job]) -> None:
    for installation in installations:
        if installation.failure:
            print(f"failed: {installation.label}: {installation.failure}")
        elif installation.seconds is not None:
            folder = environments.packages(installation.pins)
            print(f"installed {installation.label} in {rough_time(installation.seconds)}: {folder}")
    for job in finished:
        if job.failure:
            print(f"failed: {job.label}: {job.failure}")
    if finished:
        count, work_s = sum(not job.failure for job in finished), sum(job.seconds or 0.0 for job in finished)
        print(f"built {counted(count, 'artifact')} in {artifacts.root()} ({rough_time(work_s)} of work)")
    if not installations and not finished:
        print("everything is already built")


def _print_missing(
    sessions: Sequence[Session], installations: Sequence[Installation], target: Target, as_json: bool
) -> None:
    """Print what is not built yet; an implementation's artifacts are known only once its environment is installed."""
    with (
        TemporaryDirectory(prefix="featherbench-") as logs,
        Workers(building.build_target(target), Budget(), Path(logs)) as workers,
    ):
        jobs = building.find_jobs(sessions, workers)
    missing: list[Installation | building.Job] = [*installations, *jobs]
    if as_json:
        return print(json.dumps([_summary(needed) for needed in missing], indent=2))
    for needed in missing:
        print(f"{needed.key} {needed.label}")
    print(f"{counted(len(jobs), 'artifact')} to build", file=sys.stderr)
    if installations:
        print(f"{counted(len(installations), 'environment')} to install", file=sys.stderr)
    return None


def _summary(outcome: building.Job | Installation) -> dict[str, object]:
    return {"key": outcome.key, "label": outcome.label, "seconds": outcome.seconds, "failure": outcome.failure}
