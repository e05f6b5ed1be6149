"""Options that several commands take."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.request import DEFAULT_SUITE
from bench.core.errors import UsageError

Workloads = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="WORKLOAD", help="Workloads; see featherbench list. Default: all; build takes those with artifacts."
    ),
]
Suite = Annotated[
    str | None,
    typer.Option(metavar="NAME", help=f"List of cases; see featherbench list. Default: {DEFAULT_SUITE}."),
]
Implementations = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME[,NAME]", help="Take only these implementations. Default: all."),
]
CaseFilters = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Take only cases of the suite with this parameter, such as groups=16. Repeatable: values of one "
        "parameter are alternatives; different parameters must all match.",
    ),
]
Problems = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE,...",
        help="Take this case in place of a suite. @FILE reads a case from each line of a file. Repeatable.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="Take this whole model in place of a suite: FILE.onnx, torchvision:NAME, or module:function of your own.",
    ),
]
InputSizes = Annotated[
    list[str] | None,
    typer.Option(
        "--input-size",
        metavar="[NAME=]1x3x224x224",
        help="Size of an input of that model, or of --layers-of. Repeatable.",
    ),
]
TargetName = Annotated[
    str,
    typer.Option(
        metavar="TARGET",
        help="Where implementations run: cpu (all cores), edge (one core), cuda (a GPU), optionally with a mode, such "
        "as edge:avx2; see featherbench list.",
    ),
]
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
