"""``featherbench doctor`` examines this machine: its peaks, its noise, and whether verdicts hold."""

import json
from typing import Annotated

import typer
from rich.console import Console

from bench import store
from bench.cli.options import Json, Results, split_names
from bench.core.budget import Budget
from bench.core.option_values import parse_fraction, parse_seconds
from bench.doctor import text
from bench.doctor.examine import Findings, examine
from bench.doctor.trial import Trial
from bench.run import launch


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
            parse_fraction(margin),
            parse_seconds(budget),
            split_names(impl),
            status.update,
        )
    print(json.dumps(_findings_json(findings), indent=2) if as_json else "\n".join(text.lines(findings)))
    if not findings.trustworthy():
        raise typer.Exit(3)


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
