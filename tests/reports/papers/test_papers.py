"""The pages of all papers, built from the committed runs: every number on them leads to where it comes from."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import escape

from bench.claims.evidence import record_digest
from bench.claims.model import Origin
from bench.claims.rule import ClaimVerdict
from bench.claims.stored import read_verdicts, stale_lines
from bench.core.record import Key
from bench.paper.build import Built, build, build_index, names, open_paper
from bench.paper.conclusion import Conclusion, conclusions
from bench.paper.content import Measured
from bench.paper.data import PaperData
from bench.report.units import duration
from bench.store import REFERENCE, Run

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
    quoted: list[tuple[str, str]] = field(default_factory=list)
    """The address and the text of each published number."""

    def __post_init__(self) -> None:
        super().__init__()
        self._item = self._row = self._quoted = ""

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
            self._quoted = attributes["href"] if attributes.get("class") == "published" else ""
        if tag in ("img", "script", "link", "iframe") and (source := attributes.get("src") or attributes.get("href")):
            self.loaded.append(source)

    def handle_data(self, data: str) -> None:
        if self._quoted and data.strip():
            self.quoted.append((self._quoted, data.strip()))
            self._quoted = ""
        if self._row and data.strip():
            self.rows.setdefault(self._row, []).append(data.strip())


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
            assert outcome.verdict is not ClaimVerdict.ERROR, f"{outcome.name}: {outcome.reason}"
            explained = outcome.verdict is ClaimVerdict.INCONCLUSIVE or outcome.reason
            assert outcome.verdict.decided or explained, outcome.name
            assert outcome.surprise == ""


def test_a_verdict_on_measurements_has_records(built: dict[str, Built]) -> None:
    outcomes = [outcome for paper in built.values() for outcome in paper.outcomes]
    measured = [outcome for outcome in outcomes if outcome.claim.measure and outcome.claim.kind != "count"]
    assert any(outcome.verdict.decided for outcome in measured)
    for outcome in measured:
        assert outcome.evidence.records or not outcome.verdict.decided, outcome.name


def test_every_published_number_is_quoted_by_a_claim(built: dict[str, Built]) -> None:
    """Or it is part of a table that states a fact."""
    for paper in built.values():
        quoted = {cell for outcome in paper.outcomes for cell in outcome.published}
        for table in paper.paper.claims.table:
            unquoted = set(table.cells()) - quoted
            assert not unquoted or (unquoted == set(table.cells()) and table.note), f"{table.id} needs a claim"


def test_every_link_within_a_page_leads_somewhere(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        for _, address in page.links:
            if address.startswith("#"):
                assert address[1:] in page.anchors, f"{name}: {address}"


def test_every_published_number_leads_to_its_claim(built: dict[str, Built], pages: dict[str, Page]) -> None:
    followed = 0
    for name, page in pages.items():
        quoted: dict[str, set[str]] = {}
        for outcome in built[name].outcomes:
            texts = [cell.text() for cell in outcome.published] + [outcome.claim.published.text()]
            quoted.setdefault(f"#claim-{outcome.claim.id}", set()).update(filter(None, texts))
        followed += len(page.quoted)
        for address, text in page.quoted:
            assert text in quoted[address], f"{name}: {text} is no number of {address}"
    assert followed > 100


def test_every_measured_number_leads_to_the_keys_of_its_records(
    built: dict[str, Built], pages: dict[str, Page], reference: list[Run]
) -> None:
    known = {(run.name, *record.key): record for run in reference for record in run.records}
    digests: dict[tuple[str, ...], str] = {}
    followed = 0
    for page in pages.values():
        for address in {address for kind, address in page.links if kind == "measured"}:
            records = page.inside[address[1:]]
            assert records
            for record in records:
                _, implementation, case, computed, result, run, digest = _row(page.rows[record[1:]])
                workload, target = computed.split(", ")
                key = (run, *Key(workload, implementation, case, target))
                measured = known[key].latency
                latency = result.partition(", ")[0]
                assert latency == (duration(measured.estimate) if measured else known[key].status.replace("_", " "))
                if key not in digests:
                    digests[key] = record_digest(known[key])
                assert digest == digests[key]
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


def test_a_page_begins_with_what_its_claims_come_to(built: dict[str, Built]) -> None:
    """Each claim that was attempted is linked there, and those that were not are counted."""
    for paper in built.values():
        short = paper.page.read_text().partition('<section id="short"')[2].partition("</section>")[0]
        assert set(re.findall(r'href="#claim-([\w-]+)"', short)) == {
            outcome.claim.id for outcome in paper.outcomes if outcome.verdict is not ClaimVerdict.NOT_ATTEMPTED
        }
        for covered in conclusions(paper.outcomes).values():
            if missing := covered.get(Conclusion.NOT_ATTEMPTED):
                assert f"Not attempted ({len(missing)})" in short


def test_all_cells_of_a_claim_that_does_not_hold_are_listed(built: dict[str, Built]) -> None:
    (outcome,) = (each for each in built["gspc"].outcomes if each.claim.id == "gspc-best-everywhere")
    article = built["gspc"].page.read_text().partition('<article id="claim-gspc-best-everywhere"')[2]
    listed = article.partition("</article>")[0].partition("<summary>All ")[2]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>.*?<span class="chip (\w+)"', listed)
    assert len(rows) == outcome.cells
    verdicts = [verdict for _, verdict in rows]
    assert verdicts == ["differs"] * verdicts.count("differs") + ["inconclusive"] * verdicts.count("inconclusive") + [
        "holds"
    ] * verdicts.count("holds")
    assert f"{verdicts.count('differs')} do not" in outcome.reason


def test_a_source_without_a_known_address_is_no_link(built: dict[str, Built]) -> None:
    text = built["dsxplore"].page.read_text()
    assert "in: OGCNet (2022)" in text
    assert 'in: <a href="https://arxiv.org/abs/2101.00745">abstract</a>' in text


def test_a_page_says_what_to_install_and_explains_its_names(built: dict[str, Built]) -> None:
    text = built["gspc"].page.read_text()
    assert "pip install -c constraints.txt &#39;.[edge]&#39;" in text or "'.[edge]'" in text
    assert "python -m impls.grouped_conv2d._tune_gspc --suite gspc" in text
    assert "<dt>grouped_conv2d/native</dt><dd>Featherbench&#39;s own C++ kernels" in text
    assert "<dt>edge</dt><dd>one core" in text


def test_the_numbers_of_a_chapter_are_never_typed(built: dict[str, Built], pages: dict[str, Page]) -> None:
    """They are measured, quoted, computed or decided; a text of a sentence has none but in a claim's own words."""
    paper = built["multipath"].paper
    data = PaperData(paper.claims, built["multipath"].outcomes, [])
    (write,) = paper.recipe.chapters
    chapter = write(data)
    assert chapter is not None
    reasons = [binding.not_attempted for claim in paper.claims.claim for binding in claim.bind.values()]
    for sentence in chapter.sentences:
        for part in sentence:
            assert not isinstance(part, str) or not re.search(r"\d", part) or any(r and r in part for r in reasons), (
                part
            )
    assert {"published-accuracies", "multipath-inflation", "multipath-replaced-runs"} <= pages["multipath"].anchors


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
        assert stored is not None
        assert list(stale_lines(stored, paper.outcomes)) == [], (
            f"featherbench paper {name} --from {REFERENCE} --store-verdicts"
        )


def test_only_what_the_paper_claims_stands_as_its_own(built: dict[str, Built]) -> None:
    """A check of this project never fails: only a paper's own statement under its own protocol does."""
    for paper in built.values():
        for outcome in paper.outcomes:
            if outcome.verdict is ClaimVerdict.FAILS:
                assert outcome.claim.origin is Origin.PAPER
                assert outcome.claim.exact


def test_claims_of_each_origin_have_a_section(built: dict[str, Built]) -> None:
    for paper in built.values():
        text = paper.page.read_text()
        origins = {claim.origin for claim in paper.paper.claims.claim}
        assert {origin for origin in Origin if f"<h3>{escape(origin.heading)}</h3>" in text} == origins


def test_a_claim_has_a_verdict_on_each_kind_of_machine(built: dict[str, Built]) -> None:
    """The committed runs of this suite are from two servers, which both call themselves AMD EPYC."""
    outcomes = [each for each in built["dsxplore"].outcomes if each.claim.id == "scc-channel-cyclic-cpu"]
    names = {outcome.machine.name for outcome in outcomes if outcome.machine}
    assert len(outcomes) == len(names) == 2
    text = built["dsxplore"].page.read_text()
    assert all(f">{name}</a>" in text for name in names)


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
    assert "What the paper says: of 10 claims, 1 holds, 7 differ, " in (folder / "index.html").read_text()
