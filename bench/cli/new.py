"""``featherbench new`` writes the file of a new implementation."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import Plugins
from bench.core import registry
from bench.scaffold.new_file import write_implementation


def new(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="The workload that it computes.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, a Python identifier.")],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write. Default: NAME.py beside a workload of yours, else here."),
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Write the file of a new implementation.

    The implementation runs and is correct, but slow until you change it.
    """
    path = write_implementation(workload, name, output, plugin or ())
    beside = path.resolve().parent == registry.folder(workload).resolve()
    plugins = "".join(f" --plugin {each}" for each in (*(plugin or ()), *([] if beside else [path])))
    print(f"wrote {path}")
    print(f"measure it: featherbench run {workload} --impl {name},{registry.workload(workload).baseline}{plugins}")
    print(f"check it:   python -m pytest tests/impls/test_contract.py -k {name}{plugins}   (in a checkout)")
