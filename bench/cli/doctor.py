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
    pairs: Annotated[int, typer.Option(min=1, metavar="COUNT", help="Number of comparisons in each trial.")] = 10,
    trial: Annotated[list[Trial] | None, typer.Option(help="Run only this trial. Repeatable. Default: all.")] = None,
    impl: Annotated[
        list[str] | None, typer.Option(metavar="NAME[,NAME]", help="Copy only these implementations. Default: all.")
    ] = None,
    margin: Annotated[str, typer.Option(metavar="SHARE", help="Largest difference that counts as none.")] = "1%",
    budget: Annotated[
        str, typer.Option(metavar="TIME", help="Time to spend on timing each comparison.")
    ] = f"{Budget().timed_s:g}s",
    results: Results = store.LOCAL,
    as_json: Json = False,
) -> None:
    """Test how far measurements on this machine can be trusted.

    It measures the machine's peak speeds and noise, and tests whether verdicts are right. The exit status is 3 if they
    are not. The test compares implementations with copies of themselves, whose verdict is known.
    The trials are: same, an unchanged copy; busy, the same while another core is busy; slower, a copy that is 3 %
    slower in every call; rare, a copy that is 3 % slower on average, since every 33rd call is much slower.
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
