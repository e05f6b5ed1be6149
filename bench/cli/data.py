"""``featherbench data``: datasets, listed, fetched and verified."""

import json
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from bench import datasets
from bench.cli.options import Json
from bench.core.dataset_card import Card

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True, epilog="Example: featherbench data fetch cora citeseer")
def data(context: typer.Context) -> None:
    """List, download and verify the datasets that workloads need."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list", epilog="Example: featherbench data list --json")
def list_(as_json: Json = False) -> None:
    """List the datasets.

    The list shows which are on this machine, judging by the sizes of their files.
    """
    cards = {name: (card, datasets.missing(name)) for name, card in datasets.cards().items()}
    if as_json:
        listing = {name: card.model_dump(mode="json") | {"missing": reason} for name, (card, reason) in cards.items()}
        return print(json.dumps({"root": str(datasets.root()), "datasets": listing}, indent=2))
    for name, (card, reason) in cards.items():
        print(f"{name}: {card.title}: {card.size}")
        print(f"  {card.description}")
        print(f"  licence: {card.licence}")
        print(f"  {reason or ('bundled' if card.bundled else f'here, in {datasets.root() / card.folder}')}")
    return None


@app.command(epilog="Example: featherbench data fetch cora citeseer")
def fetch(
    name: Annotated[list[str], typer.Argument(metavar="NAME", help="Datasets, as data list names them.")],
) -> None:
    """Download datasets and verify them.

    Only files that are missing or damaged are downloaded. Each dataset has a licence of its own, which data list names.
    """
    for card in [datasets.card(dataset) for dataset in dict.fromkeys(name)]:
        with _progress() as bar:
            task = bar.add_task(card.name, total=sum(file.bytes or 0 for file in card.files))
            fetched = datasets.fetch(card.name, partial(bar.advance, task))
        print(f"{card.name}: {_fetched_text(card, len(fetched))}")


@app.command(epilog="Example: featherbench data verify cora")
def verify(
    name: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Datasets, as data list names them. Default: all on this machine."),
    ] = None,
) -> None:
    """Check the files of datasets against their known hashes.

    The hashes are SHA-256. Exit status 1 if a file differs or is missing.
    """
    names = dict.fromkeys(name or filter(datasets.begun, datasets.cards()))
    faults = {dataset: datasets.verify(dataset) for dataset in names}
    for dataset, fault in faults.items():
        print(fault or f"{dataset} is right")
    if any(faults.values()):
        raise typer.Exit(1)


def _fetched_text(card: Card, fetched: int) -> str:
    if card.bundled:
        return "bundled, so there is nothing to fetch"
    kept = len(card.files) - fetched
    return f"{fetched} files fetched, {kept} already right, in {datasets.root() / card.folder}"


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(20), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
