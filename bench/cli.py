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
from bench.core.budget import Budget
from bench.core.errors import RunError, UsageError
from bench.core.implementation import Implementation
from bench.core.record import Status
from bench.core.target import NAMES, Target
from bench.doctor import text
from bench.doctor.examine import Findings, examine
from bench.doctor.trial import Trial
from bench.progress import Terminal
from bench.report import compare as comparing
from bench.run import launch
from bench.run.plan import Session, parse_problems, plan
from bench.stats.verdict import Verdict

app = typer.Typer(
    name="featherbench",
    help="Does this operator really run faster, in less memory, at the same accuracy, on this machine?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.add_typer(cli_data.app, name="data")

INTERRUPTED = 130
"""Exit status after Ctrl-C, the same as in shells."""

DEFAULT_SUITE = "first"
MIN_MEMORY_BYTES = 16 << 20
"""Smallest memory limit: with less, not even the harness's own part of a worker runs."""

Workloads = Annotated[list[str] | None, typer.Argument(metavar="[WORKLOAD]...", help="Default: all.")]
Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="PATH", help="A file with an implementation of yours, or a workload's folder."),
]
Results = Annotated[Path, typer.Option("--results", metavar="FOLDER", help="Where runs are kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list", epilog="Example: featherbench list --json")
def list_(plugin: Plugins = None, as_json: Json = False) -> None:
    """List workloads, suites, implementations (with what is missing) and targets."""
    entries = registry.implementations(plugin or ())
    targets = {name: Target.parse(name).unavailable() for name in NAMES}
    listing = {
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
        return print(json.dumps(listing, indent=2))
    name_width = max(len(entry.name) for entry in entries) + 2
    for name, workload in registry.workloads().items():
        print(f"{name}: {workload.title}")
        print("  suites: " + ", ".join(f"{suite} ({len(cases)} cases)" for suite, cases in workload.suites().items()))
        for entry in entries:
            if entry.workload == name:
                targets_text = "" if entry.targets == Implementation.targets else f" [{', '.join(entry.targets)}]"
                missing = f" ({entry.missing()})" if entry.missing() else ""
                print(f"  {entry.name:{name_width}}{entry.summary}{targets_text}{missing}")
    for entry in entries:
        if entry.workload not in registry.workloads():
            print(f"{entry.path} cannot be used: it names no known workload")
    for target, reason in targets.items():
        print(f"target {target}: {reason or 'available'}")
    return None


@app.command("run", epilog="Example: featherbench run grouped_conv2d --impl pytorch,im2col --case groups=16")
def run_(
    workload: Workloads = None,
    suite: Annotated[str | None, typer.Option(help=f"Which cases. Default: {DEFAULT_SUITE}.")] = None,
    impl: Annotated[list[str] | None, typer.Option(metavar="NAME[,NAME]", help="Default: all.")] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Only cases with this value. Values of one NAME are alternatives; different NAMEs must all match.",
        ),
    ] = None,
    problem: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE,...",
            help="A case of your own in place of a suite; @FILE for a file of them, a line each.",
        ),
    ] = None,
    target: Annotated[
        str, typer.Option(help="cpu, edge (one core), cuda, or as cpu:avx2, cuda:cold, cuda:graph.")
    ] = "edge",
    budget: Annotated[
        str, typer.Option(help="Time for the timed rounds of a case, shared by all implementations.")
    ] = "8s",
    timeout: Annotated[str, typer.Option(help="Longest time for one step of a worker, such as a prepare.")] = "120s",
    memory_limit: Annotated[str, typer.Option(help="Memory that a worker may allocate beyond its libraries.")] = "4GiB",
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the newest run of the same request, code and budget.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="The run's name; default: time, workloads, suite, target.")] = None,
    plugin: Plugins = None,
    results: Results = store.LOCAL,
    dry: Annotated[bool, typer.Option("--dry-run", help="Print what would be measured, and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Measure implementations side by side. Exit status 1 where one did not pass, unless it is unsupported."""
    registry.register(plugin or ())
    workloads = tuple(dict.fromkeys(workload or sorted(registry.workloads())))
    if problem and (suite or case or len(workloads) > 1):
        raise UsageError(
            "--problem describes cases of one workload, in place of a suite's: name that workload, and drop --suite "
            "and --case"
        )
    request = store.Request(
        workloads=workloads,
        suite=store.PROBLEMS if problem else suite or DEFAULT_SUITE,
        target=str(Target.parse(target)),
        implementations=tuple(_split(impl)),
        cases=tuple(case or ()),
        problems=parse_problems(workloads[0], problem) if problem else (),
        plugins=tuple(str(Path(file).resolve()) for file in plugin or ()),
    )
    if dry and (resume or name):
        raise UsageError("--dry-run measures nothing, so it does not go with --resume or --name; drop one")
    run_budget = Budget(timed_s=seconds(budget), timeout_s=seconds(timeout), memory_bytes=size(memory_limit))
    if dry:
        return _print_plan(plan(request, elsewhere=True), Target.parse(target), run_budget.timed_s, as_json)
    console = Console(stderr=True)
    with Terminal(console) if console.is_terminal else nullcontext(launch.Silent()) as display:
        outcome = launch.launch(request, budget=run_budget, resume=resume, name=name, results=results, display=display)
    return _print_outcome(outcome, as_json)


@app.command(epilog="Example: featherbench compare latest --baseline pytorch --fail-if-slower 5%")
def compare(
    run: Annotated[
        list[str],
        typer.Argument(metavar="RUN [RUN]", help="One run, or a newer and then an older: name, folder, or latest."),
    ],
    baseline: Annotated[
        str | None, typer.Option(help="Implementation to compare with, in one run. Default: the workload's own.")
    ] = None,
    margin: Annotated[str | None, typer.Option(help="Smaller differences count as none. Default: noise floor.")] = None,
    fail_if_slower: Annotated[
        str | None, typer.Option(help="Exit with status 3 if an implementation is slower by more than this.")
    ] = None,
    impl: Annotated[list[str] | None, typer.Option(metavar="NAME[,NAME]", help="Show only these.")] = None,
    case: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Show only such cases.")] = None,
    plugin: Plugins = None,
    results: Results = store.LOCAL,
    as_json: Json = False,
) -> None:
    """Compare the implementations of one run, or a newer run with an older one: ratios, intervals and verdicts.

    A ratio is implementation / baseline, or new / old: below 1 is faster.

    Verdicts are corrected for all comparisons of the run, whether they are shown or not. Cases that differ in nothing
    but a seed are compared once, over all seeds; trained models also by the metric that they are judged by (with
    --json, by all).
    """
    registry.register(plugin or ())
    if len(run) > 2:
        raise UsageError(f"compare takes one run or two, not {len(run)}")
    if len(run) == 2 and baseline:
        raise UsageError("two runs are compared implementation by implementation; drop --baseline or give one run")
    wanted_margin = percentage(margin) if margin else None
    threshold = percentage(fail_if_slower) if fail_if_slower else None
    first, *others = [store.find(name, results) for name in run]
    if empty := [compared.name for compared in (first, *others) if not compared.records]:
        raise UsageError(f"run {empty[0]} has no record yet; wait for its first, or repeat its command with --resume")
    selection = cli_compare.selection(first, _split(impl), case or ())
    lost = comparing.lost(first, others[0]) if others else []
    lost = [record for record in lost if selection.has(record.implementation, record.parameters)]

    def comparisons(margin: float | None) -> list[comparing.Comparison]:
        return (
            comparing.compare_runs(first, others[0], margin) if others else comparing.compare(first, baseline, margin)
        )

    everything = comparisons(wanted_margin)
    differences = cli_compare.metric_differences(everything, first, *others)
    rows = selection.rows(everything, first)
    if as_json:
        print(
            json.dumps(
                [cli_compare.comparison_json(row, differences.get(row, [])) for row in rows], indent=2, allow_nan=False
            )
        )
    else:
        print("\n".join(cli_compare.comparison_texts(rows, differences)) or "nothing to compare")
    if threshold is not None:
        judged = selection.rows(comparisons(threshold), first)
        slower = [row for row in judged if row.verdict is Verdict.SLOWER]
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
    plugin: Plugins = None,
    results: Results = store.LOCAL,
) -> None:
    """Write one self-contained HTML file that works offline and can be printed."""
    from bench.frontends.pytest.reader import read
    from bench.report.html import write_report  # pandas and plotly are slow to import, and only needed here

    registry.register(plugin or ())
    names = run or ["latest"]
    runs = [read(Path(name), results) if name.endswith(".json") else store.find(name, results) for name in names]
    path = output or Path("reports/build") / f"{runs[-1].name}.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = write_report(runs, path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another file with --output") from None
    print(f"report: {written.resolve()}")


@app.command(epilog="Example: featherbench doctor --pairs 100")
def doctor(
    pairs: Annotated[int, typer.Option(min=1, help="Comparisons in each trial; each starts new processes.")] = 10,
    trial: Annotated[list[Trial] | None, typer.Option(help="Only such trials. Default: all.")] = None,
    impl: Annotated[list[str] | None, typer.Option(metavar="NAME[,NAME]", help="Only these. Default: all.")] = None,
    margin: Annotated[str, typer.Option(help="Smaller differences count as none.")] = "1%",
    budget: Annotated[str, typer.Option(help="Timed rounds of a pair.")] = f"{Budget().timed_s:g}s",
    results: Results = store.LOCAL,
    as_json: Json = False,
) -> None:
    """Measure this machine's peaks and noise, and test whether verdicts can be trusted (exit status 3 if not).

    Implementations are compared with copies of themselves: the same, the same beside a busy core, slower by 3 % in
    every call, and slower by 3 % on average in every 33rd call.
    """
    console = Console(stderr=True)
    with console.status("") as status:
        findings = examine(
            launch.machines(results),
            trial or list(Trial),
            pairs,
            percentage(margin),
            seconds(budget),
            _split(impl),
            status.update,
        )
    print(json.dumps(_findings_json(findings), indent=2) if as_json else "\n".join(text.lines(findings)))
    if not findings.trustworthy():
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


def _print_plan(sessions: Sequence[Session], target: Target, budget_s: float, as_json: bool) -> None:
    """Print what would be measured; only its worker knows which cases an implementation supports."""
    planned = [
        (key, session.unavailable.get(entry))
        for session in sessions
        for key, entry in zip(session.keys(target), (*session.entries, *session.unavailable), strict=True)
    ]
    if as_json:
        print(json.dumps([key._asdict() | {"unsupported": reason} for key, reason in planned]))
    else:
        for key, reason in planned:
            key_text = " ".join(key._replace(case=key.case or cli_compare.DEFAULTS))
            print(key_text + (f": unsupported: {reason}" if reason else ""))
        count = sum(reason is None for _, reason in planned)
        timed_s = sum(bool(session.entries) for session in sessions) * budget_s
        print(
            f"{count} records, as far as implementations support them; about {timed_s:.0f} s of timed rounds, "
            "and preparing and checking besides",
            file=sys.stderr,
        )
        if reason := target.unavailable():
            print(f"not on this machine: {reason}", file=sys.stderr)


def _findings_json(findings: Findings) -> dict[str, object]:
    return {
        "environment": findings.environment.model_dump(mode="json"),
        "peaks": findings.peaks.model_dump(mode="json") if findings.peaks else None,
        "gpu_peaks": findings.gpu_peaks.model_dump(mode="json") if findings.gpu_peaks else None,
        "noise_floor": findings.noise_floor,
        "margin": findings.margin,
        "trials": {
            trial: {
                "wrong": findings.wrong(trial),
                "comparisons": [comparison.model_dump(mode="json", exclude={"trial"}) for comparison in comparisons],
            }
            for trial, comparisons in findings.trials.items()
        },
        "unavailable": findings.unavailable,
    }


def _print_outcome(outcome: launch.Outcome, as_json: bool) -> None:
    """Print the outcome of a run; exit with status 1 where a record neither passed nor was unsupported."""
    records = outcome.run.records
    counts = {status.value: sum(record.status is status for record in records) for status in Status}
    counts = {status: count for status, count in counts.items() if count}
    if as_json:
        summary = {"run": outcome.run.name, "folder": str(outcome.run.folder), "measured": outcome.measured}
        print(json.dumps(summary | {"records": counts, "harness_share": outcome.time.harness / outcome.time.total}))
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
        passed = {
            (record.workload, record.implementation, record.case)
            for record in records
            if record.status is Status.PASSED
        }
        rows = [
            row  # the reasons of the others are printed above
            for row in comparing.compare_each([outcome.run])
            if any((row.workload, row.implementation, case) in passed for case in row.cases)
        ]
        for line in cli_compare.comparison_texts(rows, cli_compare.metric_differences(rows, outcome.run)):
            print(line)
        print(f"run {outcome.run.name}: {', '.join(f'{n} {status}' for status, n in counts.items())}")
        print(f"measured {outcome.measured} records in {outcome.time}")
        print(f"next: featherbench report {outcome.run.folder}")
    if set(counts) - {Status.PASSED, Status.UNSUPPORTED}:
        raise typer.Exit(1)


def seconds(text: str) -> float:
    """Parse a duration such as ``90s``, ``1.5m`` or ``500ms``, or plain seconds; return seconds."""
    return _quantity(text, {"": 1, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}, "a time such as 90s, 500ms or 2m")


def size(text: str) -> int:
    """Parse a memory limit such as ``512MiB`` or ``4GiB``, or plain bytes; return bytes."""
    units = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
    size_bytes = int(_quantity(text, units, "a size such as 512MiB or 4GiB"))
    if size_bytes < MIN_MEMORY_BYTES:
        raise UsageError(f"{text!r} is too little for any worker; give at least {MIN_MEMORY_BYTES >> 20}MiB")
    return size_bytes


def percentage(text: str) -> float:
    """Parse a share such as ``5%`` or ``0.05``, below 100 %; return a fraction."""
    fraction = _quantity(text, {"": 1, "%": 0.01}, "a share such as 5%")
    if fraction >= 1:
        raise UsageError(f"{text!r} is 100 % or more; write a share such as 5% or 0.05")
    return fraction


def _quantity(text: str, units: Mapping[str, float], description: str) -> float:
    """Parse a positive number with one of ``units``; raise UsageError where ``text`` is no such ``description``."""
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*(\D*)", text)
    if not match or match[2] not in units or float(match[1]) == 0:
        raise UsageError(f"{text!r} is not {description}")
    return float(match[1]) * units[match[2]]


def _split(texts: Sequence[str] | None) -> list[str]:
    """Split at commas; raise UsageError for an empty name, which the shell makes of ``--impl a, b``."""
    names = [name.strip() for text in texts or () for name in text.split(",")]
    if not all(names):
        raise UsageError("--impl has an empty name; write names as a,b, without a space after the comma")
    return names


def main() -> None:
    """Run the command line.

    Exit status: 0 for success, 1 where something failed, 2 for wrong use, 3 where a threshold was missed, 130 after
    Ctrl-C.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False, prog_name="featherbench")
    except UsageError as error:
        sys.exit(_print_error(str(error), 2))
    except typer.exceptions.TyperException as error:
        sys.exit(_print_error(error.format_message(), 2))
    except RunError as error:
        sys.exit(_print_error(str(error), 1))
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:
        _print_error("stopped; what was measured is kept, and --resume goes on", status)
    sys.exit(status or 0)


def _print_error(text: str, status: int) -> int:
    print(f"featherbench: {' '.join(text.split())}", file=sys.stderr)
    return status
