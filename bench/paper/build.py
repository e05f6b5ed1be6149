"""Builds a paper's page, tables and figures from runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.claims import read, stored
from bench.claims.evaluate import Outcome, evaluate
from bench.claims.model import ClaimsFile
from bench.core.errors import RunError, UsageError
from bench.core.files import whole
from bench.paper.content import Figure, Table
from bench.paper.drawing import drawing_style
from bench.paper.files import content_files
from bench.paper.material import Material
from bench.paper.page import render
from bench.paper.recipe import Recipe, load_recipe
from bench.store import Run

PAPERS = Path("reports/papers")


@dataclass(frozen=True)
class Paper:
    """A paper's claims and recipe, as its folder holds them."""

    folder: Path
    claims: ClaimsFile
    recipe: Recipe

    @property
    def name(self) -> str:
        return self.claims.paper.id

    @property
    def verdicts(self) -> Path:
        """The file with its stored verdicts."""
        return self.folder / stored.FILE


@dataclass(frozen=True)
class Built:
    """A paper's page and files, and the verdicts on its claims."""

    paper: Paper
    outcomes: list[Outcome]
    page: Path
    tables: list[Table]
    figures: list[Figure]


def names(papers: Path = PAPERS) -> list[str]:
    """Return the names of all papers that have claims."""
    return sorted(path.parent.name for path in papers.glob(f"*/{read.FILE}"))


def open_paper(name: str, papers: Path = PAPERS) -> Paper:
    """Read a paper's claims and recipe.

    Raises:
        UsageError: where there is no such paper, or something in its files is wrong.
    """
    if name not in (choices := names(papers)):
        known = ", ".join(choices) or f"none, as {papers.absolute()} has no claims"
        raise UsageError(f"no paper {name!r}; choose from all, {known}")
    folder = papers / name
    recipe = load_recipe(folder)
    claims = read.read_claims(folder / read.FILE, recipe.counts)
    if claims.paper.id != name:
        raise UsageError(f"{folder / read.FILE}: paper: id: it is {claims.paper.id!r}, and the folder is {name!r}")
    return Paper(folder, claims, recipe)


def build(paper: Paper, runs: Sequence[Run], output: Path) -> Built:
    """Decide a paper's claims, and write its page, tables and figures to ``output``.

    Raises:
        RunError: where a file cannot be written.
    """
    outcomes = evaluate(paper.claims, runs, paper.recipe.counts)
    material = Material(paper.claims, outcomes, runs)
    tables = [table for make in paper.recipe.tables if (table := make(material))]
    with drawing_style():
        figures = [figure for draw in paper.recipe.figures if (figure := draw(material))]
    page = output / "index.html"
    files = content_files(tables, figures)
    files[page.name] = render(material, paper.recipe, tables, figures, files).encode()
    try:
        for name, content in files.items():
            with whole(output / name) as file:
                file.write(content)
    except OSError as error:
        raise RunError(f"cannot write to {output}: {error.strerror}; choose another folder with --output") from None
    return Built(paper, outcomes, page, tables, figures)
