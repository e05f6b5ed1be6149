"""A recipe, ``reports/papers/<paper>/recipe.py``: what a paper's page needs and how it is made."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.claims.counts import Counts
from bench.core.errors import UsageError
from bench.paper.content import Chapter, Figure, Table
from bench.paper.data import PaperData
from bench.store import Request

FILE = "recipe.py"


class Step(NamedTuple):
    """A command that has to be run first."""

    reason: str
    """When and why, in sentences."""
    command: str


@dataclass(frozen=True)
class Recipe:
    """How the page of a paper is made.

    Functions return None where the records that they need are missing.
    """

    requests: tuple[Request, ...] = ()
    """The runs that have all records that the claims, tables and figures need."""
    counts: Counts = field(default_factory=dict)
    """Counts by formula that claims may refer to, besides ``macs`` and ``parameters`` of a case."""
    tables: tuple[Callable[[PaperData], Table | None], ...] = ()
    figures: tuple[Callable[[PaperData], Figure | None], ...] = ()
    chapters: tuple[Callable[[PaperData], Chapter | None], ...] = ()
    """Parts of the page that only this paper has."""
    extras: tuple[str, ...] = ()
    """The optional dependencies of Featherbench that the implementations of the requests need."""
    steps: tuple[Step, ...] = ()
    """What has to be done before anything is measured on another machine."""


def load_recipe(folder: Path) -> Recipe:
    """Return the recipe of a paper's folder; an empty one where it has none.

    Raises:
        UsageError: where the file cannot be imported, or defines no ``RECIPE``.
    """
    path = folder / FILE
    if not path.exists():
        return Recipe()
    name = f"featherbench_paper_{folder.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # as for every path of a Python file
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    recipe = getattr(module, "RECIPE", None)
    if not isinstance(recipe, Recipe):
        raise UsageError(f"{path} defines no RECIPE; write RECIPE = Recipe(...)")
    return recipe
