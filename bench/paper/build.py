"""Builds a paper's page, tables and figures from runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.claims import read, stored
from bench.claims.evaluate import evaluate
from bench.claims.model import ClaimsFile
from bench.claims.outcome import Outcome
from bench.core.errors import RunError, UsageError
from bench.core.files import whole
from bench.paper.conclusion import conclusions
from bench.paper.content import Figure, Table
from bench.paper.data import PaperData
from bench.paper.drawing import drawing_style
from bench.paper.files import content_files
from bench.paper.page import IndexEntry, PageContent, render, render_index
from bench.paper.recipe import Recipe, load_recipe
from bench.report.units import counted
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

    @property
    def content(self) -> str:
        """The number of its tables and figures, in words."""
        return f"{counted(len(self.tables), 'table')}, {counted(len(self.figures), 'figure')}"


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
    data = PaperData(paper.claims, outcomes, runs)
    tables = [table for make in paper.recipe.tables if (table := make(data))]
    with drawing_style():
        figures = [figure for draw in paper.recipe.figures if (figure := draw(data))]
        chapters = [chapter for write in paper.recipe.chapters if (chapter := write(data))]
    content = PageContent(tables, figures, chapters)
    page = output / "index.html"
    files = content_files(content.all_tables, content.all_figures)
    files[page.name] = render(data, paper.recipe, content, files).encode()
    _write(output, files)
    return Built(paper, outcomes, page, content.all_tables, content.all_figures)


def build_index(built: Sequence[Built], output: Path) -> Path:
    """Write a list of papers to ``output``, below which their pages lie, and return its path.

    Raises:
        RunError: where it cannot be written.
    """
    entries = [
        IndexEntry(
            title=each.paper.claims.paper.title,
            summary=each.paper.claims.paper.summary,
            url=each.page.relative_to(output).as_posix(),
            conclusions=conclusions(each.outcomes),
            content=each.content,
        )
        for each in built
    ]
    page = output / "index.html"
    _write(output, {page.name: render_index(entries).encode()})
    return page


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        for name, content in files.items():
            with whole(folder / name) as file:
                file.write(content)
    except OSError as error:
        raise RunError(f"cannot write to {folder}: {error.strerror}; choose another folder with --output") from None
