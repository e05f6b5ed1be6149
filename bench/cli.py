"""The command line. Each command here only reads its arguments and prints; the work is done elsewhere."""

import json
import logging
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
import typer.exceptions
from rich.console import Console

from bench import cli_compare, cli_data, scaffold, store
from bench.core import registry
from bench.core.errors import BadUse, CannotGoOn
from bench.core.implementation import Implementation
from bench.core.record import Status
from bench.core.target import NAMES, Target
from bench.doctor import words
from bench.doctor.examine import Findings, examine
from bench.progress import Terminal
from bench.report import compare as comparing
from bench.run import launch
from bench.run.plan import Sitting, plan
from bench.run.workers import Allowance

app = typer.Typer(
    name="featherbench",
    help="Does this operator really run faster, in less memory, at the same accuracy, on this machine?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.add_typer(cli_data.app, name="data")

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

LEAST_MEMORY = 16 << 20
"""Bytes of a memory limit: with less, not even the harness's own part of a worker runs."""

Workloads = Annotated[list[str] | None, typer.Argument(metavar="[WORKLOAD]...", help="Default: all.")]
Plugins = Annotated[list[str] | None, typer.Option("--plugin", metavar="FILE", help="An implementation of yours.")]
Results = Annotated[Path, typer.Option("--results", metavar="FOLDER", help="Where runs are kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list", epilog="Example: featherbench list --json")
def list_(plugin: Plugins = None, as_json: Json = False) -> None:
    """Workloads, suites, implementations (available, or why not) and targets."""
    entries = registry.implementations(plugin or ())
    targets = {name: Target.parse(name).unavailable() for name in NAMES}
    found = {
        "workloads": {
            name: {
                "title": workload.title,
                "suites": {suite: len(cases) for suite, cases in workload.suites().items()},
                "implementations": {
                    entry.name: {"summary": entry.summary, "targets": entry.targets, "unavailable": entry.missing()}
                    for entry in entries
                    if entry.workload == name
                },
            }
            for name, workload in registry.workloads().items()
        },
        "targets": targets,
    }
    if as_json:
        return print(json.dumps(found, indent=2))
    name_width = max(len(entry.name) for entry in entries) + 2
    for name, workload in registry.workloads().items():
        print(f"{name}: {workload.title}")
        print("  suites: " + ", ".join(f"{suite} ({len(cases)} cases)" for suite, cases in workload.suites().items()))
        for entry in entries:
            if entry.workload == name:
                where = "" if entry.targets == Implementation.targets else f" [{', '.join(entry.targets)}]"
                missing = f" ({entry.missing()})" if entry.missing() else ""
                print(f"  {entry.name:{name_width}}{entry.summary}{where}{missing}")
    for entry in entries:
        if entry.workload not in registry.workloads():
            print(f"{entry.path} cannot be used: it names no known workload")
    for target, reason in targets.items():
        print(f"target {target}: {reason or 'available'}")
    return None


@app.command("run", epilog="Example: featherbench run grouped_conv2d --impl pytorch,im2col --case groups=16")
def run_(
    workload: Workloads = None,
    suite: Annotated[str, typer.Option(help="Which cases.")] = "quick",
    impl: Annotated[list[str] | None, typer.Option(metavar="NAME[,NAME]", help="Default: all.")] = None,
    case: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Only such cases; of one NAME several add up.")
    ] = None,
    target: Annotated[
        str, typer.Option(help="cpu, edge (one core), cuda, or as cpu:avx2, cuda:cold, cuda:graph.")
    ] = "edge",
    budget: Annotated[
        str, typer.Option(help="Timed rounds of a case, all implementations together; at least 10.")
    ] = "8s",
    timeout: Annotated[str, typer.Option(help="One step of a worker, such as a prepare.")] = "120s",
    memory_limit: Annotated[str, typer.Option(help="What a worker may ask for beyond its libraries.")] = "4GiB",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the newest such run, if its code and budget were these.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="The run's name; default: time, workloads, suite, target.")] = None,
    plugin: Plugins = None,
    results: Results = store.LOCAL,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would be measured.")] = False,
    as_json: Json = False,
) -> None:
    """Measure implementations side by side. Exit status 1 where one crashed, failed, timed out or answered wrong."""
    request = store.Request(
        workloads=tuple(dict.fromkeys(workload or sorted(registry.workloads()))),
        suite=suite,
        target=str(Target.parse(target)),
        implementations=tuple(_split(impl)),
        cases=tuple(case or ()),
        plugins=tuple(str(Path(file).resolve()) for file in plugin or ()),
    )
    if dry and (resume or name):
        raise BadUse("--dry-run measures nothing, so it does not go with --resume or --name; drop one")
    allowance = Allowance(timeout_s=seconds(timeout), memory_bytes=size(memory_limit))
    budget_s = seconds(budget)
    if dry:
        return _tell_plan(plan(request, elsewhere=True), Target.parse(target), budget_s, as_json)
    console = Console(stderr=True)
    with Terminal(console) if console.is_terminal else nullcontext(launch.Silent()) as display:
        outcome = launch.launch(
            request, allowance=allowance, budget_s=budget_s, resume=resume, name=name, results=results, display=display
        )
    return _tell(outcome, as_json)


@app.command(epilog="Example: featherbench compare latest --baseline pytorch --fail-if-slower 5%")
def compare(
    run: Annotated[list[str], typer.Argument(metavar="RUN [RUN]", help="A name, a folder, or latest.")],
    baseline: Annotated[str | None, typer.Option(help="Within one run; default: the workload's own.")] = None,
    margin: Annotated[str | None, typer.Option(help="Smaller differences count as none. Default: noise floor.")] = None,
    fail_if_slower: Annotated[str | None, typer.Option(help="Exit status 3 where surely slower by more.")] = None,
    results: Results = store.LOCAL,
    as_json: Json = False,
) -> None:
    """Ratios with intervals and verdicts: implementations of one run, or a run against an older one.

    Cases that differ in nothing but a seed are compared once, over all seeds; trained models also by the metric that
    they are judged by (with --json, by all).
    """
    if len(run) > 2:
        raise BadUse(f"compare takes one run or two, not {len(run)}")
    if len(run) == 2 and baseline:
        raise BadUse("two runs are compared implementation by implementation; drop --baseline or give one run")
    wanted_margin = percentage(margin) if margin else None
    threshold = percentage(fail_if_slower) if fail_if_slower else None
    first, *others = [store.find(name, results) for name in run]
    if empty := [each.name for each in (first, *others) if not each.records]:
        raise BadUse(
            f"run {empty[0]} has no record yet; wait for its first, or go on with it: featherbench run --resume"
        )
    lost = comparing.lost(first, others[0]) if others else []
    rows = (
        comparing.compare_runs(first, others[0], wanted_margin)
        if others
        else comparing.compare(first, baseline, wanted_margin)
    )
    differences = cli_compare.metric_differences(rows, first, *others)
    if as_json:
        print(
            json.dumps([cli_compare.row_json(row, differences.get(row, [])) for row in rows], indent=2, allow_nan=False)
        )
    else:
        print("\n".join(cli_compare.row_texts(rows, differences)) or "nothing to compare")
    if threshold is not None:
        slower = comparing.slower_than(rows, threshold)
        if slower:
            print(f"{len(slower)} of {len(rows)} are slower by more than {fail_if_slower}", file=sys.stderr)
        if lost:
            print(f"{len(lost)} passed in the older run and did not in the newer", file=sys.stderr)
        if slower or lost:
            raise typer.Exit(3)


@app.command(epilog="Example: featherbench report latest --output report.html")
def report(
    run: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Or a --benchmark-json FILE.json. Default: latest.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Default: reports/build/<run>.html")] = None,
    results: Results = store.LOCAL,
) -> None:
    """One self-contained HTML file that works offline and prints."""
    from bench.frontends.pytest.reader import read
    from bench.report.html import write_report  # pandas and plotly are slow to import, and only needed here

    names = run or ["latest"]
    found = [read(Path(name), results) if name.endswith(".json") else store.find(name, results) for name in names]
    path = output or Path("reports/build") / f"{found[-1].name}.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = write_report(found, path)
    except OSError as error:
        raise BadUse(f"cannot write {path}: {error.strerror}; choose another file with --output") from None
    print(f"report: {written.resolve()}")


@app.command(epilog="Example: featherbench doctor --pairs 100")
def doctor(
    pairs: Annotated[int, typer.Option(min=1, help="Of new processes, in each of the three trials.")] = 10,
    margin: Annotated[str, typer.Option(help="Smaller differences count as none.")] = "1%",
    budget: Annotated[str, typer.Option(help="Timed rounds of a pair.")] = f"{launch.BUDGET_S:g}s",
    results: Results = store.LOCAL,
    as_json: Json = False,
) -> None:
    """This machine: its limits, its noise, whether verdicts can be trusted (else exit status 3), what is missing."""
    console = Console(stderr=True)
    with console.status("") as status:
        found = examine(launch.machines(results), pairs, percentage(margin), seconds(budget), status.update)
    print(json.dumps(_findings(found), indent=2) if as_json else "\n".join(words.lines(found)))
    if not found.trustworthy():
        raise typer.Exit(3)


@app.command(epilog="Example: featherbench new grouped_conv2d my_kernel")
def new(
    workload: Annotated[str, typer.Argument(help="What it computes.")],
    name: Annotated[str, typer.Argument(help="Its name, a Python identifier.")],
    output: Annotated[Path | None, typer.Option(help="Default: in impls/ of a checkout, else right here.")] = None,
) -> None:
    """Write a ready-to-run implementation file: right, slow, and yours to make fast."""
    path = scaffold.write(workload, name, output)
    plugin = "" if path.parts[:1] == ("impls",) else f" --plugin {path}"
    print(f"wrote {path}")
    print(f"measure it: featherbench run {workload} --impl {name},{registry.workload(workload).baseline}{plugin}")
    print(f"check it:   python -m pytest tests/impls/test_contract.py -k {name}{plugin}   (in a checkout)")


def _tell_plan(sittings: Sequence[Sitting], target: Target, budget_s: float, as_json: bool) -> None:
    """What would be measured, and what cannot be here; what an implementation supports is known by its worker alone."""
    planned = [
        (key, sitting.unable.get(entry))
        for sitting in sittings
        for key, entry in zip(sitting.keys(target), (*sitting.entries, *sitting.unable), strict=True)
    ]
    if as_json:
        print(json.dumps([key._asdict() | {"unsupported": reason} for key, reason in planned]))
    else:
        for key, reason in planned:
            told = " ".join(key._replace(case=key.case or cli_compare.DEFAULTS))
            print(told + (f": unsupported: {reason}" if reason else ""))
        count = sum(reason is None for _, reason in planned)
        timed = sum(bool(sitting.entries) for sitting in sittings) * budget_s
        print(
            f"{count} records, as far as implementations support them; about {timed:.0f} s of timed rounds, "
            "and preparing and checking besides",
            file=sys.stderr,
        )
        if reason := target.unavailable():
            print(f"not on this machine: {reason}", file=sys.stderr)


def _findings(found: Findings) -> dict[str, object]:
    return {
        "environment": found.environment.model_dump(mode="json"),
        "limits": found.limits.model_dump(mode="json") if found.limits else None,
        "gpu_limits": found.gpu_limits.model_dump(mode="json") if found.gpu_limits else None,
        "noise_floor": found.noise_floor,
        "pairs": len(found.same.ratios),
        "margin": found.same.margin,
        "false_verdicts": found.false_verdicts,
        "planted_found": found.found,
        "false_verdicts_beside_busy_core": found.false_beside_busy_core,
        "unable": found.unable,
    }


def _tell(outcome: launch.Outcome, as_json: bool) -> None:
    records = outcome.run.records
    counts = {status.value: sum(record.status is status for record in records) for status in Status}
    counts = {status: count for status, count in counts.items() if count}
    if as_json:
        told = {"run": outcome.run.name, "folder": str(outcome.run.folder), "measured": outcome.measured}
        print(json.dumps(told | {"records": counts, "harness_share": outcome.split.harness / outcome.split.total}))
    else:
        unsupported: dict[str, list[str]] = {}
        for record in records:
            if record.status is Status.UNSUPPORTED:
                unsupported.setdefault(record.reason, []).append(record.implementation)
        for reason, names in unsupported.items():
            print(f"{len(names)} unsupported ({', '.join(dict.fromkeys(names))}): {reason}")
        for record in records:
            if record.status not in (Status.PASSED, Status.UNSUPPORTED):
                print(f"{record.status}: {record.implementation} {record.case}: {record.reason}")
        if set(counts) - {Status.PASSED, Status.UNSUPPORTED}:
            print(f"what the workers printed, with tracebacks: {outcome.run.folder / 'logs'}")
        print(f"run {outcome.run.name}: {', '.join(f'{n} {status}' for status, n in counts.items())}")
        print(f"measured {outcome.measured} records in {outcome.split}")
        print(f"next: featherbench report {outcome.run.folder}")
    if set(counts) - {Status.PASSED, Status.UNSUPPORTED}:
        raise typer.Exit(1)


def seconds(text: str) -> float:
    """``90s``, ``1.5m``, ``500ms`` or plain seconds."""
    return _quantity(text, {"": 1, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}, "a time such as 90s, 500ms or 2m")


def size(text: str) -> int:
    """``512MiB``, ``4GiB`` or plain bytes."""
    units = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
    found = int(_quantity(text, units, "a size such as 512MiB or 4GiB"))
    if found < LEAST_MEMORY:
        raise BadUse(f"{text!r} is too little for any worker; give at least {LEAST_MEMORY >> 20}MiB")
    return found


def percentage(text: str) -> float:
    """``5%`` or ``0.05``."""
    share = _quantity(text, {"": 1, "%": 0.01}, "a share such as 5%")
    if share >= 1:
        raise BadUse(f"{text!r} is 100 % or more; write a share such as 5% or 0.05")
    return share


def _quantity(text: str, units: Mapping[str, float], wanted: str) -> float:
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*(\D*)", text)
    if not match or match[2] not in units or float(match[1]) == 0:
        raise BadUse(f"{text!r} is not {wanted}")
    return float(match[1]) * units[match[2]]


def _split(names: Sequence[str] | None) -> list[str]:
    return [name.strip() for text in names or () for name in text.split(",") if name.strip()]


def main() -> None:
    """Entry point. Exit status: 0 done, 1 something failed, 2 wrong use, 3 a wanted threshold was missed."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False, prog_name="featherbench")
    except BadUse as error:
        sys.exit(_complain(str(error), 2))
    except typer.exceptions.TyperException as error:
        sys.exit(_complain(error.format_message(), 2))
    except CannotGoOn as error:
        sys.exit(_complain(str(error), 1))
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:
        _complain("stopped; what was measured is kept, and --resume goes on", status)
    sys.exit(status or 0)


def _complain(text: str, status: int) -> int:
    print(f"featherbench: {' '.join(text.split())}", file=sys.stderr)
    return status
