"""``featherbench paper`` regenerates papers: their tables and figures, and verdicts on their claims."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench import store
from bench.cli.options import Json
from bench.core.budget import Budget
from bench.core.errors import UsageError
from bench.progress import display
from bench.report.units import counted, rough_time
from bench.run.estimate import expected_s
from bench.run.launch import launch
from bench.run.plan import Session, plan, to_measure
from bench.store import Request, Run

if TYPE_CHECKING:
    from bench.claims.outcome import Outcome
    from bench.paper.build import Built

OUTPUT = Path("reports/build/papers")


def paper(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A paper, by its folder in reports/papers; or all, for all of them.")
    ],
    from_: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Folder of the runs to take; nothing is measured."),
    ] = None,
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write the pages to.")] = OUTPUT,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be measured, and how long it takes, and stop.")
    ] = False,
    store_verdicts: Annotated[
        bool, typer.Option("--store-verdicts", help="Store the verdicts, to tell later if they are stale.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the claims of a paper and regenerate its tables and figures.

    Writes a page on which published numbers stand beside measured ones. Without --from, what is missing in
    results/local is measured first. Exit status 1 if a claim cannot be evaluated, if its verdict is not the expected
    one, or if a stored verdict is stale or missing.
    """
    from bench.claims.read import ClaimsError
    from bench.paper import build as building  # pandas and matplotlib are slow to import, and only needed here

    try:
        papers = [building.open_paper(each) for each in (building.names() if name == "all" else [name])]
    except ClaimsError as error:
        for line in error.lines:
            print(f"featherbench: {line}", file=sys.stderr)
        raise typer.Exit(2) from None
    if not papers:
        raise UsageError(f"no paper in {building.PAPERS.absolute()}; run the command in a checkout")
    folder = from_ or store.LOCAL
    if store_verdicts and folder.resolve() != store.REFERENCE.resolve():
        raise UsageError(f"verdicts are stored from the committed runs alone: add --from {store.REFERENCE}")
    runs = store.runs(folder)  # once: to read runs takes a good part of the command's time
    if from_ and not runs:
        raise UsageError(f"no run in {from_.absolute()}; give a folder with runs, such as {store.REFERENCE}")
    requests = list(dict.fromkeys(request for each in papers for request in each.recipe.requests))
    if dry:
        return _print_missing(requests, runs)
    if from_ is None:
        for request in requests:
            _measure(request, folder)
        runs = store.runs(folder)
    built = [building.build(each, runs, output / each.name) for each in papers]
    index = building.build_index(built, output) if len(built) > 1 else None
    if store_verdicts:
        for each in built:
            _store(each)
    if as_json:
        listed = [_outcome_json(each.paper.name, outcome) for each in built for outcome in each.outcomes]
        print(json.dumps(listed, indent=2))
    else:
        _print_built(built, index)
    problems = [line for each in built for line in _problems(each)]
    if folder.resolve() == store.REFERENCE.resolve() and not store_verdicts:
        problems += [line for each in built for line in _stale(each)]
    for line in problems:
        print(f"featherbench: {line}", file=sys.stderr)
    if problems:
        raise typer.Exit(1)
    return None


def _measure(request: Request, folder: Path) -> None:
    """Measure what no run in the folder has, or say in a line why this machine cannot."""
    try:
        missing = _missing(request, store.runs(folder))
        if reason := request.target.unavailable():
            raise UsageError(reason)
    except UsageError as error:
        print(f"featherbench: {_text(request)}: not measured: {error}", file=sys.stderr)
        return
    if missing:
        with display() as shown:
            launch(request, resume=True, results=folder, display=shown)


def _missing(request: Request, runs: Sequence[Run]) -> list[Session]:
    """Return what is missing in the run that has most of a request: what is compared has to be in one run.

    Raises:
        UsageError: where nothing of the request can be measured.
    """
    planned = plan(request, elsewhere=True)
    return min((to_measure(planned, run.records, request.target) for run in runs), key=len, default=planned)


def _print_missing(requests: Sequence[Request], runs: Sequence[Run]) -> None:
    """Print for each request how much of it no run has recorded yet, and how long that takes to measure."""
    for request in requests:
        try:
            missing = _missing(request, runs)
        except UsageError as error:
            print(f"{_text(request)}: cannot be measured: {error}")
            continue
        if not missing:
            print(f"{_text(request)}: nothing is missing")
            continue
        records = counted(sum(len(session.keys(request.target)) for session in missing), "record")
        time = rough_time(expected_s(missing, Budget()))
        builds = any(session.workload.uses_artifacts for session in missing)
        building = ", besides building the networks that are not built" if builds else ""
        print(f"{_text(request)}: {records} of {counted(len(missing), 'case')} missing, about {time}{building}")


def _text(request: Request) -> str:
    return f"{' '.join(request.workloads)} --suite {request.suite} --target {request.target}"


def _print_built(built: "Sequence[Built]", index: Path | None) -> None:
    """Print the coverage of each paper, and where its page and the list of all are."""
    from bench.paper.coverage import by_origin

    for each in built:
        for origin, covered in by_origin(each.outcomes).items():
            print(f"{each.paper.name}: {origin.heading}: {covered.text()}")
        print(f"  {each.content}: {each.page}")
    if index:
        for origin, covered in by_origin([outcome for each in built for outcome in each.outcomes]).items():
            print(f"all: {origin.heading}: {covered.text()}")
        print(f"  {index}")


def _store(built: "Built") -> None:
    from bench.claims.stored import store_verdicts

    store_verdicts(built.paper.verdicts, built.outcomes)


def _problems(built: "Built") -> list[str]:
    """Return a line for each claim that could not be evaluated, or whose verdict is not the expected one."""
    from bench.claims.rule import ClaimVerdict

    return [
        f"{built.paper.name}: {outcome.name}: {outcome.surprise or outcome.reason}"
        for outcome in built.outcomes
        if outcome.surprise or outcome.verdict is ClaimVerdict.ERROR
    ]


def _stale(built: "Built") -> list[str]:
    """Return a line for each stored verdict whose inputs have changed, and how to store the present ones."""
    from bench.claims.stored import read_verdicts, stale_lines

    stored = read_verdicts(built.paper.verdicts)
    changed = stale_lines(stored, built.outcomes) if stored else [f"{built.paper.verdicts} is missing"]
    lines = [f"{built.paper.name}: {line}" for line in changed]
    advice = f"featherbench paper {built.paper.name} --from {store.REFERENCE} --store-verdicts"
    return [*lines, f"{built.paper.name}: once these verdicts are right, store them: {advice}"] if lines else []


def _outcome_json(paper_name: str, outcome: "Outcome") -> dict[str, Any]:
    """Return an outcome as what JSON can hold."""
    interval = outcome.measured
    return {
        "paper": paper_name,
        "claim": outcome.claim.id,
        "cell": outcome.label,
        "machine": outcome.machine and {"id": outcome.machine.id, **outcome.machine._asdict()},
        "verdict": outcome.verdict,
        "measured": interval and [interval.estimate, interval.low, interval.high],
        "unit": outcome.unit.name if outcome.unit else None,
        "covered": outcome.covered,
        "cells": outcome.cells,
        "unsupported": outcome.unsupported,
        "interval_allows_for": outcome.basis,
        "reason": outcome.reason,
        "cautions": outcome.cautions,
        "inputs": dict(outcome.evidence.inputs),
        "records": [[ref.run, *ref.key, ref.digest] for ref in outcome.evidence.records],
    }
