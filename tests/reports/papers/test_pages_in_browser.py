"""The page of each paper in a real browser: offline, without errors, readable by everyone, and on a phone."""

from pathlib import Path

import pytest

from bench.paper.build import build, names, open_paper
from bench.store import REFERENCE, Run, runs

pytest.importorskip("selenium", reason="selenium is not installed")

ROOT = Path(__file__).parents[3]
PAPERS = ROOT / "reports/papers"


@pytest.fixture(scope="module")
def reference() -> list[Run]:
    return runs(ROOT / REFERENCE)


@pytest.fixture(scope="module", params=names(PAPERS))
def url(request: pytest.FixtureRequest, reference: list[Run], tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp(request.param)
    return build(open_paper(request.param, PAPERS), reference, folder).page.as_uri()


def test_the_six_papers_have_pages() -> None:
    assert len(names(PAPERS)) == 6


def test_the_page_requests_nothing_and_logs_no_error(url, open_page):
    requested_urls, messages = open_page(url)
    assert requested_urls == [url]
    assert messages == []


@pytest.mark.usefixtures("colour_scheme")
def test_axe_finds_nothing_serious(browser, url, axe_violations):
    browser.get(url)
    browser.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
    # Thousands of rows that are all alike would take axe minutes.
    browser.execute_script("for (const row of document.querySelectorAll('.records tr:nth-child(n+50)')) row.remove()")
    assert axe_violations() == {}


@pytest.mark.parametrize("width", [390, 1400])
def test_fits_the_screen(browser, url, resize, width):
    resize(width)
    browser.get(url)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
