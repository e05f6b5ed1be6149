"""The page in a real browser: offline, sortable, filterable, drawn, and printed whole."""

import base64
import json
import shutil
from collections.abc import Iterator

import pytest

from bench.core.record import Status
from bench.report.html import write_report

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver")

EVIL = "<script>alert(1)</script>"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1400,1000",
)
DRAWN = "return [...document.querySelectorAll('.plot')].every(plot => plot.querySelector('.main-svg'))"


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, make_record, make_run, tmp_path) -> webdriver.Chrome:
    """Open a page with times that sort differently as text, a name that is a script, and a record that did not pass."""
    cases = [{"cin": 64, "groups": groups} for groups in (1, 4)]
    times = {"pytorch": 900.0, "im2col": 1_000_000.0, EVIL: 20_000.0}
    records = [
        make_record(name, [time * (1 + number / 10)] * 20, parameters=case)
        for number, case in enumerate(cases)
        for name, time in times.items()
    ]
    records.append(make_record("crashing", parameters=cases[0], status=Status.CRASHED, reason="signal 11", check=None))
    path = write_report([make_run(records)], tmp_path / "report.html")
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(path.as_uri())
    WebDriverWait(browser, 30).until(lambda driver: driver.execute_script(DRAWN))
    return browser


def visible_values(page: webdriver.Chrome, column: str) -> list[str]:
    """Return the column's sort values in the visible rows, from the top."""
    script = """
        const headers = [...document.querySelectorAll('#table thead th')];
        const index = headers.findIndex(header => header.dataset.heading === arguments[0]);
        return [...document.querySelectorAll('#table tbody tr')].filter(row => row.offsetParent !== null)
            .map(row => row.cells[index].dataset.value);"""
    return page.execute_script(script, column)


def header(page: webdriver.Chrome, name: str):
    return page.find_element(By.CSS_SELECTOR, f"th[data-heading='{name}']")


def test_the_page_requests_nothing_and_logs_no_error(page):
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    requested_urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert [url for url in requested_urls if not url.startswith("data:")] == [page.current_url]
    assert page.get_log("browser") == []


def test_all_figures_are_drawn_with_points(page):
    plots = page.find_elements(By.CSS_SELECTOR, ".plot")
    assert len(plots) == 3
    for plot in plots:
        assert plot.find_elements(By.CSS_SELECTOR, ".main-svg")
        assert plot.find_elements(By.CSS_SELECTOR, ".scatterlayer .point")


def test_a_name_with_a_script_stays_text(page):
    assert EVIL in page.find_element(By.ID, "table").text
    assert EVIL in page.find_element(By.CSS_SELECTOR, ".legend").text
    with pytest.raises(Exception, match="no such alert"):
        page.switch_to.alert  # noqa: B018


def test_hovering_shows_a_script_as_text(page):
    script = """
        const plot = document.querySelector('.plot');
        Plotly.Fx.hover(plot, [{curveNumber: plot.data.findIndex(t => t.meta === arguments[0]), pointNumber: 0}]);
        return plot.querySelector('.hoverlayer').textContent;"""
    assert EVIL in page.execute_script(script, EVIL)


def test_sorts_by_time_both_ways_with_missing_last(page):
    button = header(page, "Time per call").find_element(By.TAG_NAME, "button")
    button.click()
    ascending = visible_values(page, "Time per call")
    numbers = [float(value) for value in ascending[:-1]]
    assert numbers == sorted(numbers)
    assert header(page, "Time per call").get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.ENTER)
    assert visible_values(page, "Time per call") == [*reversed(ascending[:-1]), ""]
    assert header(page, "Time per call").get_attribute("aria-sort") == "descending"
    header(page, "Case").find_element(By.TAG_NAME, "button").click()
    assert header(page, "Time per call").get_attribute("aria-sort") is None


def test_filters_by_text_and_choice(page):
    form = page.find_element(By.ID, "filters")
    Select(form.find_element(By.NAME, "implementation")).select_by_value(EVIL)
    assert set(visible_values(page, "Implementation")) == {EVIL}
    assert page.find_element(By.ID, "shown").text == "2 of 7 rows"
    form.find_element(By.NAME, "text").send_keys("groups=4")
    assert visible_values(page, "Case") == ["cin=64,groups=4"]
    Select(form.find_element(By.NAME, "verdict")).select_by_value("baseline")
    assert visible_values(page, "Case") == []


def test_the_legend_hides_an_implementation(page):
    button = page.find_element(By.CSS_SELECTOR, ".legend button[data-implementation=im2col]")
    count = "return [...document.querySelectorAll('.plot')].map(plot => plot.querySelectorAll('.point').length)"
    before = page.execute_script(count)
    button.click()
    WebDriverWait(page, 10).until(
        lambda driver: all(a < b for a, b in zip(driver.execute_script(count), before, strict=True))
    )
    assert button.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("width", [400, 1400, 1920])
def test_fits_the_screen(page, width):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page.refresh()
        WebDriverWait(page, 30).until(lambda driver: driver.execute_script(DRAWN))
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        hidden = "const box = document.querySelector('.tall'); return box.scrollWidth - box.clientWidth"
        assert width < 1400 or page.execute_script(hidden) == 0
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_prints_with_figures_that_fit_the_paper(page):
    widths = "window.printed = []; addEventListener('beforeprint', () => {"
    widths += "for (const svg of document.querySelectorAll('.plot .main-svg')) printed.push(svg.clientWidth)})"
    page.execute_script(widths)
    paper = page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert base64.b64decode(paper["data"]).startswith(b"%PDF")
    printed = page.execute_script("return window.printed")
    assert printed
    assert max(printed) <= 1032
    assert page.execute_script("return document.querySelector('.plot').layout.autosize") is True
