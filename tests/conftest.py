"""Options of the test run, a browser with checks of pages, and fixtures for tests that do not look at times."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.peaks import host
from bench.peaks.model import Peaks
from bench.run import session


@pytest.fixture(scope="session")
def peaks_measured_once() -> Callable[..., Peaks]:
    """A stand-in for ``host.measure_peaks`` that measures once: each new folder of results would take 1.5 s for it."""
    return cache(host.measure_peaks)


@pytest.fixture(autouse=True, scope="session")
def _own_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep artifacts of tests apart from those of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEATHERBENCH_ARTIFACTS", str(tmp_path_factory.mktemp("artifacts")))
        yield


@pytest.fixture(scope="module")
def one_process(peaks_measured_once: Callable[..., Peaks]) -> Iterator[None]:
    """Time each implementation in a single process, in which it has all of its rounds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "measure_peaks", peaks_measured_once)
        patch.setattr(session, "MIN_PROCESSES", 1)
        patch.setattr(session, "MIN_ROUNDS_PER_PROCESS", session.MIN_ROUNDS)
        yield


BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1400,1000",
)
AXE = Path(__file__).parent / "bench/report/axe/axe.min.js"
"""axe-core 4.14.1, of Deque Systems, under the Mozilla Public License 2.0."""
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium without a window that logs messages and requests; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver_path):
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in BROWSER_FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_path))
    yield driver
    driver.quit()


@pytest.fixture
def open_page(browser: Any) -> Callable[[str], tuple[list[str], list[Any]]]:
    """Returns a function that opens a page and returns the URLs that it requests, and what the console logs."""

    def open_and_scroll(url: str) -> tuple[list[str], list[Any]]:
        for log in ("browser", "performance"):
            browser.get_log(log)
        browser.get(url)
        browser.execute_script("scrollTo(0, document.body.scrollHeight)")
        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith("data:")], browser.get_log("browser")

    return open_and_scroll


@pytest.fixture
def axe_violations(browser: Any) -> Callable[[], dict[str, list[str]]]:
    """Returns a function that returns what axe-core finds serious or critical in the page, by its rule."""
    script = AXE.read_bytes()
    assert hashlib.sha256(script).hexdigest() == AXE_SHA256

    def violations() -> dict[str, list[str]]:
        browser.execute_script(script.decode())
        browser.set_script_timeout(120)  # a page may list thousands of records
        results = browser.execute_async_script(
            "axe.run(document, { resultTypes: ['violations'] }).then(result => arguments[0](result.violations))"
        )
        return {
            result["id"]: [node["html"][:120] for node in result["nodes"]]
            for result in results
            if result["impact"] in ("serious", "critical")
        }

    return violations


@pytest.fixture(params=["light", "dark"])
def colour_scheme(browser: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """The colour scheme that the browser asks pages for."""
    feature = {"name": "prefers-color-scheme", "value": request.param}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    yield request.param
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.fixture
def resize(browser: Any) -> Iterator[Callable[[int], None]]:
    """Returns a function that gives the browser's window a width (CSS pixels), that of a phone below 500."""

    def set_width(width: int) -> None:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    yield set_width
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--plugin",
        action="append",
        default=[],
        metavar="PATH",
        help="also hold the implementations in this file, or in this folder of a workload, to the contract",
    )
    parser.addoption("--examples", metavar="N", help="random cases in each contract test; default: what fits 8 s")
    parser.addoption(
        "--cuda-on-cpu", action="store_true", help="also what is for a GPU, on tensors in the CPU's memory"
    )
