"""A paper's page: one HTML file that loads nothing else, in which every number leads to where it comes from."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from bench.claims.evidence import RecordRef
from bench.claims.machines import MachineKind
from bench.claims.model import Claim, Origin
from bench.claims.outcome import JudgedCell, Outcome
from bench.claims.rule import ClaimVerdict
from bench.paper.conclusion import Conclusion, Conclusions, conclusions, conclusions_text, verdicts_text
from bench.paper.content import Chapter, Computed, Figure, Measured, Quoted, Table, VerdictCounts
from bench.paper.coverage import Coverage, by_origin
from bench.paper.data import PaperData
from bench.paper.evidence_list import EvidenceList
from bench.paper.glossary import glossary
from bench.paper.recipe import Recipe
from bench.report.page_templates import page_environment, page_style
from bench.report.units import size
from bench.store import Run

_TEMPLATES = Path(__file__).parent / "templates"
_KINDS = {"csv": "text/csv", "svg": "image/svg+xml", "pdf": "application/pdf"}


class Download(NamedTuple):
    """A file that the page itself holds."""

    name: str
    label: str
    href: Markup
    """Its content as a data URI."""


@dataclass(frozen=True)
class PageContent:
    """What a recipe makes for a page."""

    tables: list[Table]
    figures: list[Figure]
    chapters: list[Chapter]

    @property
    def all_tables(self) -> list[Table]:
        """Those of the chapters too."""
        return [*self.tables, *(table for chapter in self.chapters for table in chapter.tables)]

    @property
    def all_figures(self) -> list[Figure]:
        """Those of the chapters too."""
        return [*self.figures, *(figure for chapter in self.chapters for figure in chapter.figures)]

    @property
    def names(self) -> list[str]:
        """The names of the tables and figures, which their files are called by."""
        return [table.name for table in self.all_tables] + [figure.name for figure in self.all_figures]

    @property
    def records(self) -> Iterator[RecordRef]:
        """The records that its numbers come from."""
        lines = [row for table in self.all_tables for row in table.rows]
        lines += [list(sentence) for chapter in self.chapters for sentence in chapter.sentences]
        yield from (ref for line in lines for cell in line if isinstance(cell, Measured) for ref in cell.records)
        yield from (ref for figure in self.all_figures for ref in figure.records)


@dataclass(frozen=True)
class MachineView:
    """The outcomes of a claim on one kind of machine, or of a claim that needs none."""

    machine: MachineKind | None
    outcomes: list[Outcome]

    @property
    def tally(self) -> list[tuple[ClaimVerdict, int]]:
        """Each verdict with the number of its outcomes, in the order of the closed set."""
        counts = Counter(outcome.verdict for outcome in self.outcomes)
        return [(verdict, counts[verdict]) for verdict in ClaimVerdict if counts[verdict]]

    @property
    def single(self) -> Outcome | None:
        """The outcome, where there is only one."""
        return self.outcomes[0] if len(self.outcomes) == 1 else None


class ClaimView(NamedTuple):
    """A claim with its outcomes, as the page shows it."""

    claim: Claim
    machines: list[MachineView]


class Section(NamedTuple):
    """The claims of one origin."""

    origin: Origin
    coverage: Coverage
    views: list[ClaimView]


class MachineUse(NamedTuple):
    """A kind of machine that some number of the page comes from, with its runs."""

    machine: MachineKind
    runs: list[Run]


def render(
    data: PaperData,
    recipe: Recipe,
    content: PageContent,
    files: Mapping[str, bytes],
) -> str:
    """Return the page as HTML; ``files`` are those of the tables and figures, which the page holds too."""
    claims = data.claims
    environment = _environment()
    evidence = EvidenceList()
    body = environment.get_template("body.html").render(
        claims=claims,
        sections=_sections(data),
        verdicts=list(ClaimVerdict),
        conclusions=conclusions(data.outcomes),
        not_attempted=Conclusion.NOT_ATTEMPTED,
        content=content,
        downloads={name: _downloads(name, files) for name in content.names},
        glossary=glossary(claims, recipe),
        machines=_machines_used(data, content),
        evidence=evidence,
        data=data,
        recipe=recipe,
    )
    # Evidence comes last, once all numbers have asked for their anchors.
    return environment.get_template("page.html").render(
        claims=claims,
        body=Markup(body),
        evidence=evidence,
        records=(records := evidence.records(data.runs)),
        numbers={record.ref: record.number for record in records},
        runs=evidence.runs(data.runs),
        style=page_style(_TEMPLATES / "paper.css"),
    )


class IndexEntry(NamedTuple):
    """A paper in the list of all."""

    title: str
    summary: str
    url: str
    """The page, relative to the list."""
    conclusions: Mapping[Origin, Conclusions]
    content: str
    """The number of its tables and figures, in words."""


def render_index(papers: Sequence[IndexEntry]) -> str:
    """Return the list of all papers as HTML."""
    return _environment().get_template("index.html").render(papers=papers, style=page_style(_TEMPLATES / "paper.css"))


def number_of(judged: Outcome | JudgedCell) -> Measured | Computed | None:
    """Return the number behind a verdict: measured where it comes from records, otherwise computed."""
    if judged.measured is None or judged.unit is None:
        return None
    digits = max((cell.number.digits for cell in judged.published), default=0)
    number = Measured(judged.measured, judged.unit, judged.records, digits)
    if number.records:
        return number
    return Computed(f"{number.text} [{number.ends}]" if number.ends else number.text)


def _sections(data: PaperData) -> list[Section]:
    """Return the claims of each origin with their outcomes."""
    sections = []
    for origin, covered in by_origin(data.outcomes).items():
        views = []
        for claim in data.claims.claim:
            if claim.origin is origin:
                by_kind: dict[MachineKind | None, list[Outcome]] = {}
                for outcome in data.outcomes_of(claim.id):
                    by_kind.setdefault(outcome.machine, []).append(outcome)
                views.append(ClaimView(claim, [MachineView(*group) for group in by_kind.items()]))
        sections.append(Section(origin, covered, views))
    return sections


def _environment() -> Environment:
    environment = page_environment(_TEMPLATES)
    kinds = {"measured": Measured, "quoted": Quoted, "computed": Computed, "verdict_counts": VerdictCounts}
    environment.tests |= {name: lambda cell, kind=kind: isinstance(cell, kind) for name, kind in kinds.items()}
    environment.filters |= {
        "number_of": number_of,
        "size": size,
        "conclusions_text": conclusions_text,
        "verdicts_text": verdicts_text,
    }
    return environment


def _machines_used(data: PaperData, content: PageContent) -> list[MachineUse]:
    """Return the machines and runs that some number of the page comes from."""
    used = {ref.run for ref in content.records} | {ref.run for outcome in data.outcomes for ref in outcome.records}
    runs: dict[MachineKind, list[Run]] = {}
    for run in data.runs:
        if run.name in used:
            machines = run.info.machines.values()
            for kind in {MachineKind.of(machine.environment, run.info.target) for machine in machines}:
                runs.setdefault(kind, []).append(run)
    return [MachineUse(*use) for use in sorted(runs.items(), key=lambda use: (use[0].name, use[0].id))]


def _downloads(name: str, files: Mapping[str, bytes]) -> list[Download]:
    """Return the files of a table or figure."""
    return [
        Download(f"{name}.{ending}", ending.upper(), Markup(f"data:{kind};base64,{b64encode(content).decode()}"))
        for ending, kind in _KINDS.items()
        if (content := files.get(f"{name}.{ending}")) is not None
    ]
