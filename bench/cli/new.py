"""``featherbench new`` writes the file of a new implementation."""

from pathlib import Path
from typing import Annotated

import typer

from bench import scaffold
from bench.core import registry


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
