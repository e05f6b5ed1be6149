"""The page of each paper in a real browser: offline, without errors, readable by everyone, and on a phone."""

from pathlib import Path

import pytest

from bench.paper.build import Built, names

pytest.importorskip("selenium", reason="selenium is not installed")

ROOT = Path(__file__).parents[3]
PAPERS = ROOT / "reports/papers"


@pytest.fixture(params=names(PAPERS))
def url(request: pytest.FixtureRequest, built: dict[str, Built]) -> str:
    return built[request.param].page.as_uri()


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
    # Thousands of rows, and of links to them, that are all alike would take axe minutes.
    for alike in (".records tr:nth-child(n+50)", "#evidence li a:nth-of-type(n+10)"):
        browser.execute_script("for (const each of document.querySelectorAll(arguments[0])) each.remove()", alike)
    assert axe_violations() == {}


@pytest.mark.parametrize("width", [390, 1400])
def test_fits_the_screen(browser, url, resize, width):
    resize(width)
    browser.get(url)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
