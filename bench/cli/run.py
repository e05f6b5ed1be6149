"""``featherbench run`` measures implementations, or says what it would measure."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench import build_progress, store
from bench.cli.options import (
    CaseFilters,
    Implementations,
    InputSizes,
    Json,
    Model,
    Plugins,
    Problems,
    Results,
    Suite,
    TargetName,
    Workloads,
    split_names,
)
from bench.cli.outcome import print_outcome
from bench.cli.request import make_request
from bench.core import registry
from bench.core.budget import Budget
from bench.core.case import DEFAULTS
from bench.core.errors import UsageError
from bench.core.option_values import parse_bytes, parse_seconds
from bench.core.target import Target
from bench.progress import display
from bench.run.installing import find_installations
from bench.run.launch import launch
from bench.run.plan import Session, plan


def run(
    workload: Workloads = None,
    suite: Suite = None,
    impl: Implementations = None,
    case: CaseFilters = None,
    problem: Problems = None,
    layers_of: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Measure the layers of a model in place of a suite: FILE.onnx, torchvision:NAME, or module:function.",
        ),
    ] = None,
    model: Model = None,
    input_size: InputSizes = None,
    target: TargetName = "edge",
    budget: Annotated[
        str,
        typer.Option(metavar="TIME", help="Time to spend on timing each case, all its implementations together."),
    ] = "8s",
    timeout: Annotated[
        str,
        typer.Option(metavar="TIME", help="Longest time for a step of an implementation, such as compiling."),
    ] = "120s",
    memory_limit: Annotated[
        str,
        typer.Option(metavar="SIZE", help="Memory that an implementation may allocate, its libraries not counted."),
    ] = "4GiB",
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the newest run with the same options, budget and code.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the run. Default: made of time, workloads, suite and target."),
    ] = None,
    plugin: Plugins = None,
    results: Results = store.LOCAL,
    dry: Annotated[bool, typer.Option("--dry-run", help="Print what would be measured, and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Measure implementations side by side, and check their outputs.

    It prints ratios and verdicts. The exit status is 1 if any implementation fails or its output is wrong; unsupported
    cases do not count.
    """
    registry.register(plugin or ())
    request = make_request(
        workload=workload,
        suite=suite,
        problem=problem,
        layers_of=layers_of,
        model=model,
        input_size=input_size,
        target=Target.parse(target),
        implementations=tuple(split_names(impl)),
        case_filters=tuple(case or ()),
        plugins=tuple(str(Path(file).resolve()) for file in plugin or ()),
    )
    if dry and (resume or name):
        raise UsageError("--dry-run measures nothing, so it does not go with --resume or --name; drop one")
    run_budget = Budget(
        timed_s=parse_seconds(budget), timeout_s=parse_seconds(timeout), memory_bytes=parse_bytes(memory_limit)
    )
    if dry:
        return _print_plan(plan(request, elsewhere=True), request.target, run_budget.timed_s, as_json)
    with display() as shown, build_progress.display() as build_display:
        outcome = launch(
            request,
            budget=run_budget,
            resume=resume,
            name=name,
            results=results,
            display=shown,
            build_display=build_display,
        )
    return print_outcome(outcome, as_json)


def _print_plan(sessions: Sequence[Session], target: Target, budget_s: float, as_json: bool) -> None:
    """Print what would be measured; only its worker knows which cases an implementation supports."""
    planned = [
        (key, session.unavailable.get(spec))
        for session in sessions
        for key, spec in zip(session.keys(target), (*session.specs, *session.unavailable), strict=True)
    ]
    if as_json:
        print(json.dumps([key._asdict() | {"unsupported": reason} for key, reason in planned]))
    else:
        for key, reason in planned:
            key_text = " ".join(key._replace(case=key.case or DEFAULTS))
            print(key_text + (f": unsupported: {reason}" if reason else ""))
        count = sum(reason is None for _, reason in planned)
        timed_s = sum(bool(session.specs) for session in sessions) * budget_s
        print(
            f"{count} records, as far as implementations support them; about {timed_s:.0f} s of timed rounds, "
            "and preparing and checking besides",
            file=sys.stderr,
        )
        for installation in find_installations(sessions):
            print(f"it first installs {installation.label}", file=sys.stderr)
        if reason := target.unavailable():
            print(f"not on this machine: {reason}", file=sys.stderr)
