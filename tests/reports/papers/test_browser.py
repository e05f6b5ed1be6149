"""A paper's page in a real browser: its figures are shown, and its numbers lead to their evidence."""

import pytest

from bench.paper.build import Built

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402


@pytest.fixture
def address(built: dict[str, Built]) -> str:
    return built["multipath"].page.as_uri()


def test_all_figures_are_shown_and_described(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address)
    images = browser.find_elements(By.TAG_NAME, "img")
    assert len(images) == 2
    for image in images:
        assert int(image.get_property("naturalWidth")) > 0
        assert image.get_attribute("alt")


def test_a_measured_number_opens_its_evidence(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address)
    link = browser.find_element(By.CSS_SELECTOR, "#multipath-accuracy a.measured")
    target = link.get_attribute("href").partition("#")[2]
    link.click()
    assert browser.execute_script("return document.querySelector(':target').id") == target
    assert browser.find_element(By.ID, target).is_displayed()
