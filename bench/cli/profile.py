"""``featherbench profile`` prints how long each layer of a computation takes."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

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
    split_names,
)
from bench.cli.request import make_request
from bench.cli.text_table import Printer, TextTable
from bench.core import registry
from bench.core.budget import Budget
from bench.core.case import DEFAULTS
from bench.core.errors import UsageError
from bench.core.record import Status
from bench.core.target import Target
from bench.report.units import duration, percent
from bench.run.layer_times import Profile, profile_case
from bench.run.plan import Session, plan
from bench.run.workers import Workers

CAUTION = (
    "Times of layers are medians over the calls, or means where the profiler reports only means. Profiling adds "
    "overhead; latencies are medians without it. All come from one process: to compare implementations, use "
    "featherbench run."
)


def profile(
    workload: Annotated[
        str | None, typer.Argument(metavar="[WORKLOAD]", help="A workload; see featherbench list. --model implies it.")
    ] = None,
    suite: Suite = None,
    impl: Implementations = None,
    case: CaseFilters = None,
    problem: Problems = None,
    model: Model = None,
    input_size: InputSizes = None,
    target: TargetName = "edge",
    calls: Annotated[int, typer.Option(metavar="N", min=1, help="Number of calls to profile.")] = 20,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Print the time of each layer, where the library of an implementation has a profiler.

    The options select cases as those of run do. Fused layers are one line. The sum of the layers stands beside the
    latency without the profiler. Outputs are checked first, and nothing is stored. The exit status is 1 if an
    implementation fails or its output is wrong.
    """
    registry.register(plugin or ())
    if not workload and not model:
        raise UsageError("name a workload, see featherbench list, or give a model of your own with --model")
    request = make_request(
        workload=[workload] if workload else [],
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
    profiles = _profile_all(plan(request), request.target, calls, as_json)
    if any(profile.status not in (Status.PASSED, Status.UNSUPPORTED) for profile in profiles):
        raise typer.Exit(1)


def _profile_all(sessions: Sequence[Session], target: Target, calls: int, as_json: bool) -> list[Profile]:
    """Print the profiles of each case as soon as they are there, as JSON all together; return them."""
    by_case: dict[str, list[Profile]] = {}
    with TemporaryDirectory(prefix="featherbench-") as logs, Workers(target, Budget(), Path(logs)) as workers:
        for session in sessions:
            name = session.case.slug or DEFAULTS
            by_case[name] = profile_case(session, workers, calls, _print_step)
            if not as_json:
                _print_case(name, by_case[name])
    if as_json:
        print(json.dumps([_summary(name, profile) for name, profiles in by_case.items() for profile in profiles]))
    else:
        print(CAUTION)
    return [profile for profiles in by_case.values() for profile in profiles]


def _print_step(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print_case(name: str, profiles: Sequence[Profile]) -> None:
    printer = Printer.for_stdout()
    printer.text(name, "bold")
    measured = [profile for profile in profiles if not profile.reason]
    if measured:
        rows = [row for profile in measured for row in _rows(profile)]
        printer.table(TextTable(["implementation", "time", "share", "layer"], {"": rows}, prose=True))
        printer.text()
        totals = [
            (
                profile.implementation,
                str(len(profile.layers)),
                duration(1e9 * profile.sum_s),
                duration(1e9 * profile.latency_s),
                percent(profile.sum_s / profile.latency_s),
            )
            for profile in measured
        ]
        printer.table(TextTable(["implementation", "layers", "sum", "latency", "sum / latency"], {"": totals}))
    for profile in profiles:
        if profile.reason:
            printer.text(f"{profile.implementation}: {profile.status}: {profile.reason}")
    printer.text()


def _rows(profile: Profile) -> list[tuple[str, str, str, str]]:
    """Return a row for each layer; there are no shares where the profiler tells no time at all."""
    shares = [layer.seconds / profile.sum_s if profile.sum_s else None for layer in profile.layers]
    return [
        (profile.implementation, duration(1e9 * layer.seconds), percent(share), layer.name)
        for layer, share in zip(profile.layers, shares, strict=True)
    ]


def _summary(case: str, profile: Profile) -> dict[str, Any]:
    return {
        "case": case,
        "implementation": profile.implementation,
        "status": profile.status,
        "reason": profile.reason,
        "latency_s": None if profile.reason else profile.latency_s,
        "layers": [layer._asdict() for layer in profile.layers],
    }
