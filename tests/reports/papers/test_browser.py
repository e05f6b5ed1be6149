"""A paper's page in a real browser: offline, without errors, and readable on a phone."""

import json
from pathlib import Path

import pytest

from bench.paper.build import build, open_paper
from bench.store import REFERENCE, Run

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

ROOT = Path(__file__).parents[3]
AXE = ROOT / "tests/bench/report/axe/axe.min.js"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    runs = [Run.open(ROOT / REFERENCE / "node_classification-multipath-edge-zen5")]
    return build(open_paper("multipath", ROOT / "reports/papers"), runs, tmp_path_factory.mktemp("page")).page.as_uri()


def test_the_page_requests_nothing_and_logs_no_error(browser: webdriver.Chrome, address: str) -> None:
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(address)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requested = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert [url for url in requested if not url.startswith("data:")] == [address]
    assert browser.get_log("browser") == []


def test_all_figures_are_shown_and_described(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address)
    images = browser.find_elements(By.TAG_NAME, "img")
    assert len(images) == 2
    for image in images:
        assert int(image.get_property("naturalWidth")) > 0
        assert image.get_attribute("alt")


@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_is_wider_than_the_window(browser: webdriver.Chrome, address: str, width: int) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(address)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_a_measured_number_opens_its_evidence(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address)
    link = browser.find_element(By.CSS_SELECTOR, "#multipath-accuracy a.measured")
    target = link.get_attribute("href").partition("#")[2]
    link.click()
    assert browser.execute_script("return document.querySelector(':target').id") == target
    assert browser.find_element(By.ID, target).is_displayed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: webdriver.Chrome, address: str, scheme: str) -> None:
    """axe-core 4.14.1, of Deque Systems, under the Mozilla Public License 2.0."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(address)
    browser.execute_script(AXE.read_text())
    violations = browser.execute_async_script("axe.run(document).then(result => arguments[0](result.violations))")
    assert [each["id"] for each in violations if each["impact"] in ("serious", "critical")] == []
