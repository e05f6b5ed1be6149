"""What ``featherbench run`` prints when it has ended."""

import json

import typer

from bench.cli.comparisons import metric_differences, print_comparisons
from bench.cli.text_table import Printer
from bench.cli.whole_model import print_whole_model
from bench.core.record import Record, Status
from bench.report.compare import compare_each
from bench.report.times import times_without_ratio
from bench.report.whole_model import whole_model
from bench.run.launch import Outcome
from bench.store import Run


def print_outcome(outcome: Outcome, as_json: bool) -> None:
    """Print the outcome of a run; exit with status 1 where a record neither passed nor was unsupported."""
    records = outcome.run.records
    counts = {status.value: sum(record.status is status for record in records) for status in Status}
    counts = {status: count for status, count in counts.items() if count}
    if as_json:
        summary = {"run": outcome.run.name, "folder": str(outcome.run.folder), "measured": outcome.measured}
        print(json.dumps(summary | {"records": counts, "harness_share": outcome.time.harness / outcome.time.total}))
    else:
        _print_comparisons(outcome.run)
        if whole := whole_model(outcome.run):
            print_whole_model(Printer.for_stdout(), whole)
            print()
        _print_failures(records)
        if set(counts) - {Status.PASSED, Status.UNSUPPORTED}:
            print(f"what the workers printed, with tracebacks: {outcome.run.folder / 'logs'}")
        print(f"run {outcome.run.name}: {', '.join(f'{n} {status}' for status, n in counts.items())}")
        print(f"measured {outcome.measured} records in {outcome.time}")
        print(f"next: featherbench report {outcome.run.folder}")
    if set(counts) - {Status.PASSED, Status.UNSUPPORTED}:
        raise typer.Exit(1)


def _print_failures(records: list[Record]) -> None:
    """Print each reason for which implementations are unsupported once, and every failure."""
    unsupported: dict[str, list[str]] = {}
    for record in records:
        if record.status is Status.UNSUPPORTED:
            unsupported.setdefault(record.reason, []).append(record.implementation)
    for reason, names in unsupported.items():
        print(f"{len(names)} unsupported ({', '.join(dict.fromkeys(names))}): {reason}")
    for record in records:
        if record.status not in (Status.PASSED, Status.UNSUPPORTED):
            print(f"{record.status}: {record.implementation} {record.case}: {record.reason}")


def _print_comparisons(run: Run) -> None:
    """Print the comparisons of implementations that passed; for the others, the reason is printed below."""
    passed = {
        (record.workload, record.implementation, record.case)
        for record in run.records
        if record.status is Status.PASSED
    }
    everything = compare_each([run])
    rows = [row for row in everything if any((row.workload, row.implementation, case) in passed for case in row.cases)]
    times = times_without_ratio(run, everything)
    if rows or times:
        compared = sum(row.ratio is not None for row in everything)
        print_comparisons(Printer.for_stdout(), rows, metric_differences(rows, run), compared, run, times=times)
        print()
