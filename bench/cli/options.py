"""Options that several commands take."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.core.errors import UsageError

Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="PATH",
        help="File with an implementation of your own, or folder with a workload of your own. Repeatable.",
    ),
]
Results = Annotated[Path, typer.Option("--results", metavar="FOLDER", help="Folder that holds your runs.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs to read.")]


def split_names(texts: Sequence[str] | None) -> list[str]:
    """Return the names that ``--impl`` lists, separated by commas.

    Raises:
        UsageError: for an empty name, which the shell makes of ``--impl a, b``.
    """
    names = [name.strip() for text in texts or () for name in text.split(",")]
    if not all(names):
        raise UsageError("--impl has an empty name; write names as a,b, without a space after the comma")
    return names
