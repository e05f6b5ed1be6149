"""``featherbench compare`` prints ratios and verdicts of one run, or of a newer run and an older one."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from bench import store
from bench.cli.comparisons import metric_differences, print_comparisons
from bench.cli.options import Json, Plugins, Results, split_names
from bench.cli.selection import select
from bench.cli.text_table import Printer
from bench.cli.whole_model import print_whole_model
from bench.core import registry
from bench.core.errors import UsageError
from bench.core.option_values import parse_fraction
from bench.report import compare as comparing
from bench.report.parameters import with_derived
from bench.report.times import times_without_ratio
from bench.report.whole_model import whole_model
from bench.stats.interval import Interval
from bench.stats.verdict import Verdict

if TYPE_CHECKING:
    from bench.report.accuracy import Difference


def compare(
    run: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="A run, given by its name, its folder, or latest; or a newer run and an older one to compare it with.",
        ),
    ],
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Implementation to compare with, if one run is given. Default: that of the workload."
        ),
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="Largest difference that counts as none, such as 2%. Default: the machine's measured noise.",
        ),
    ] = None,
    fail_if_slower: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE", help="Exit with status 3 if an implementation is slower by more than this, such as 5%."
        ),
    ] = None,
    impl: Annotated[
        list[str] | None, typer.Option(metavar="NAME[,NAME]", help="Show only these implementations.")
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Show only cases with this parameter. Repeatable, as for run."),
    ] = None,
    plugin: Plugins = None,
    results: Results = store.LOCAL,
    as_json: Json = False,
) -> None:
    """Compare implementations with a baseline, or two runs.

    A ratio is the time of an implementation divided by the time of the baseline, or new divided by old: below 1 is
    faster. The verdict is faster or slower only where the whole confidence interval of the ratio lies beyond the
    margin.

    Verdicts are corrected for all comparisons in the run, including those not shown. Cases that differ only in a
    seed are compared once, over all seeds. Trained models are also compared by the workload's primary metric, such as
    accuracy (with --json, by all metrics). For a run of a model's layers, the sums over the layers follow, unless
    --impl or --case is given. Where no implementation can be compared with the baseline, times are shown alone.
    """
    registry.register(plugin or ())
    if len(run) > 2:
        raise UsageError(f"compare takes one run or two, not {len(run)}")
    if len(run) == 2 and baseline:
        raise UsageError("two runs are compared implementation by implementation; drop --baseline or give one run")
    wanted_margin = parse_fraction(margin) if margin else None
    threshold = parse_fraction(fail_if_slower) if fail_if_slower else None
    first, *others = [store.find(name, results) for name in run]
    if empty := [compared.name for compared in (first, *others) if not compared.records]:
        raise UsageError(f"run {empty[0]} has no record yet; wait for its first, or repeat its command with --resume")
    selection = select(first, split_names(impl), case or ())
    newly_failed = comparing.newly_failed(first, others[0]) if others else []
    newly_failed = [record for record in newly_failed if selection.has(record.implementation, with_derived(record))]

    def comparisons(margin: float | None) -> list[comparing.Comparison]:
        if others:
            return comparing.compare_runs(first, others[0], margin)
        return comparing.compare(first, baseline, margin) if baseline else comparing.compare_each([first], margin)

    everything = comparisons(wanted_margin)
    differences = metric_differences(everything, first, *others)
    rows = selection.of(everything, first)
    times = [] if others else selection.of(times_without_ratio(first, everything), first)
    if not (rows or times):
        raise UsageError("no comparison of the run matches all of --impl and --case; a baseline itself is in none")
    if as_json:
        listed = [comparison_json(row, differences.get(row, [])) for row in rows]
        print(json.dumps(listed, indent=2, allow_nan=False))
    else:
        compared = sum(row.ratio is not None for row in everything)
        old = others[0] if others else None
        print_comparisons(Printer.for_stdout(), rows, differences, compared, first, old, times)
        whole = None if others or impl or case else whole_model(first, baseline, wanted_margin)
        if whole:
            print()
            print_whole_model(Printer.for_stdout(), whole)
    if threshold is not None:
        at_threshold = selection.of(comparisons(threshold), first)
        if not others and not any(row.ratio for row in at_threshold):
            raise UsageError("--fail-if-slower needs a ratio, and there is none; choose another --baseline")
        slower = [row for row in at_threshold if row.verdict is Verdict.SLOWER]
        if slower:
            print(f"{len(slower)} of {len(rows)} are slower by more than {fail_if_slower}", file=sys.stderr)
        if newly_failed:
            print(f"{len(newly_failed)} passed in the older run and did not in the newer", file=sys.stderr)
        if slower or newly_failed:
            raise typer.Exit(3)


def comparison_json(row: comparing.Comparison, differences: Sequence["Difference"]) -> dict[str, object]:
    """Return a comparison and its differences of metrics as what JSON can hold."""
    fields = asdict(row) | {"ratio": _interval_json(row.ratio) if row.ratio else None}
    del fields["uncorrected"]
    if differences:
        fields["metrics"] = {
            difference.metric.name: {"difference": _interval_json(difference.mean)}
            | {"repeats": difference.seeds, "p": difference.p, "finding": difference.finding}
            for difference in differences
        }
    return fields


def _interval_json(interval: Interval) -> dict[str, float | None]:
    """Return the interval with null for an end that is not known, since JSON has no infinity."""
    return {name: value if isfinite(value) else None for name, value in asdict(interval).items()}
