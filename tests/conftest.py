"""Options of the test run, a browser, and fixtures for tests that measure but do not look at times."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
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
