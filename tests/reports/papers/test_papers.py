"""The pages of all papers, built from the committed runs: every number on them leads to where it comes from."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.claims.rule import Verdict
from bench.claims.stored import read_verdicts, stale_lines
from bench.core.record import Key
from bench.paper.build import Built, build, build_index, names, open_paper
from bench.paper.content import Measured
from bench.store import REFERENCE, Run, runs

ROOT = Path(__file__).parents[3]
PAPERS = ROOT / "reports/papers"
REGENERATED = ("dsxplore", "gspc", "multipath")
"""Papers with tables and figures."""


@dataclass
class Page(HTMLParser):
    """The links and anchors of a page."""

    anchors: set[str] = field(default_factory=set)
    links: list[tuple[str, str]] = field(default_factory=list)
    """The class and address of each link."""
    inside: dict[str, list[str]] = field(default_factory=dict)
    """The addresses of the links within each list item."""
    rows: dict[str, list[str]] = field(default_factory=dict)
    """The texts of the cells of each table row that has an anchor."""
    loaded: list[str] = field(default_factory=list)
    """The addresses of what the page loads."""

    def __post_init__(self) -> None:
        super().__init__()
        self._item = self._row = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if anchor := attributes.get("id"):
            assert anchor not in self.anchors, f"two elements are called {anchor}"
            self.anchors.add(anchor)
        if tag in ("li", "tr"):
            self._item, self._row = (anchor or "", "") if tag == "li" else ("", anchor or "")
        if tag == "a":
            self.links.append((attributes.get("class", ""), attributes["href"]))
            self.inside.setdefault(self._item, []).append(attributes["href"])
        if tag in ("img", "script", "link", "iframe") and (source := attributes.get("src") or attributes.get("href")):
            self.loaded.append(source)

    def handle_data(self, data: str) -> None:
        if self._row and data.strip():
            self.rows.setdefault(self._row, []).append(data.strip())


@pytest.fixture(scope="module")
def reference() -> list[Run]:
    return runs(ROOT / REFERENCE)


@pytest.fixture(scope="module")
def built(reference: list[Run], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    folder = tmp_path_factory.mktemp("papers")
    return {name: build(open_paper(name, PAPERS), reference, folder / name) for name in names(PAPERS)}


@pytest.fixture(scope="module")
def pages(built: dict[str, Built]) -> dict[str, Page]:
    pages = {name: Page() for name in built}
    for name, page in pages.items():
        page.feed(built[name].page.read_text())
    return pages


def test_there_is_a_page_for_each_of_the_six_papers(built: dict[str, Built]) -> None:
    assert set(built) == {"channel_similarity", "dsxplore", "gspc", "implicit_sparsity", "multipath", "sg_cnn"}


def test_every_claim_has_a_verdict_or_the_reason_why_none(built: dict[str, Built]) -> None:
    for paper in built.values():
        for outcome in paper.outcomes:
            assert outcome.verdict is not Verdict.ERROR, f"{outcome.name}: {outcome.reason}"
            assert outcome.verdict.decided or outcome.verdict is Verdict.INCONCLUSIVE or outcome.reason, outcome.name
            assert outcome.surprise == ""


def test_a_verdict_on_measurements_has_records(built: dict[str, Built]) -> None:
    outcomes = [outcome for paper in built.values() for outcome in paper.outcomes]
    measured = [outcome for outcome in outcomes if outcome.claim.measure and outcome.claim.kind != "count"]
    assert any(outcome.verdict.decided for outcome in measured)
    for outcome in measured:
        assert outcome.evidence.records or not outcome.verdict.decided, outcome.name


def test_every_published_number_is_quoted_by_a_claim(built: dict[str, Built]) -> None:
    for paper in built.values():
        quoted = {cell for outcome in paper.outcomes for cell in outcome.published}
        for table in paper.paper.claims.table:
            assert set(table.cells()) <= quoted, f"{table.id} has a number without a claim"


def test_every_link_within_a_page_leads_somewhere(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        for _, address in page.links:
            if address.startswith("#"):
                assert address[1:] in page.anchors, f"{name}: {address}"


def test_every_published_number_leads_to_its_claim(built: dict[str, Built], pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        ids = {claim.id for claim in built[name].paper.claims.claim}
        published = [address for kind, address in page.links if kind == "published"]
        assert {address.removeprefix("#claim-") for address in published} <= ids


def test_every_measured_number_leads_to_the_keys_of_its_records(
    built: dict[str, Built], pages: dict[str, Page], reference: list[Run]
) -> None:
    keys = {(run.name, *record.key) for run in reference for record in run.records}
    followed = 0
    for page in pages.values():
        for address in {address for kind, address in page.links if kind == "measured"}:
            records = page.inside[address[1:]]
            assert records
            for record in records:
                _, implementation, case, target, workload, run, digest = _row(page.rows[record[1:]])
                assert (run, *Key(workload, implementation, case, target)) in keys
                assert re.fullmatch("[0-9a-f]{12}", digest)
                followed += 1
    assert followed > 1000


def _row(cells: list[str]) -> list[str]:
    """Return the cells of a record's row; a case of defaults alone is an empty text, which the page leaves out."""
    return cells if len(cells) == 7 else [*cells[:2], "", *cells[2:]]


def test_every_measured_cell_of_a_table_has_records(built: dict[str, Built]) -> None:
    for paper in built.values():
        for table in paper.tables:
            assert all(len(row) == len(table.columns) for row in table.rows)
            for cell in (cell for row in table.rows for cell in row):
                assert not isinstance(cell, Measured) or cell.records
                bare = isinstance(cell, str) and re.fullmatch(r"[\d.,−±% ]+", cell)
                assert not bare, f"{cell!r} is a number without a source"


@pytest.mark.parametrize("name", REGENERATED)
def test_tables_and_figures_are_regenerated(built: dict[str, Built], name: str) -> None:
    paper = built[name]
    assert paper.tables
    assert len(paper.figures) >= 2
    folder = paper.page.parent
    for table in paper.tables:
        rows = list(csv.reader((folder / f"{table.name}.csv").open()))
        assert {len(row) for row in rows} == {len(rows[0])}
        assert len(rows) == len(table.rows) + 1
    for figure in paper.figures:
        assert (folder / f"{figure.name}.svg").read_text().startswith("<?xml")
        assert (folder / f"{figure.name}.pdf").read_bytes().startswith(b"%PDF")
        assert len((folder / f"{figure.name}.csv").read_text().splitlines()) == len(figure.data) + 1
        assert figure.records


def test_pages_load_nothing(pages: dict[str, Page]) -> None:
    for page in pages.values():
        assert all(address.startswith("data:") for address in page.loaded)


def test_the_same_records_give_the_same_page(built: dict[str, Built], reference: list[Run], tmp_path: Path) -> None:
    again = build(built["multipath"].paper, reference, tmp_path)
    for path in _files(built["multipath"].page.parent):
        assert (again.page.parent / path.name).read_bytes() == path.read_bytes(), path.name


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file())


def test_stored_verdicts_are_those_of_the_committed_runs(built: dict[str, Built]) -> None:
    for name, paper in built.items():
        stored = read_verdicts(paper.paper.verdicts)
        assert stored
        assert list(stale_lines(stored, paper.outcomes)) == [], (
            f"featherbench paper {name} --from {REFERENCE} --store-verdicts"
        )


def test_without_records_nothing_that_needs_them_is_decided(tmp_path: Path) -> None:
    for name in names(PAPERS):
        paper = build(open_paper(name, PAPERS), [], tmp_path / name)
        for outcome in paper.outcomes:
            if outcome.claim.measure and outcome.claim.kind != "count":
                assert not outcome.verdict.decided, outcome.name
        assert all(not isinstance(cell, Measured) for table in paper.tables for row in table.rows for cell in row)
        assert paper.figures == []


def test_the_list_of_papers_leads_to_every_page(built: dict[str, Built]) -> None:
    folder = built["gspc"].page.parents[1]
    page = Page()
    page.feed(build_index(list(built.values()), folder).read_text())
    assert {(folder / address).resolve() for _, address in page.links} == {each.page for each in built.values()}
