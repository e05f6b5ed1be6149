"""The README's picture of a report shows what the report of the committed run says."""

import shutil
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("selenium", reason="selenium is not installed")
from reports.picture import PICTURE, SCALE, SIZE, TEXT, picture

ROOT = Path(__file__).parents[2]


def test_the_picture_shows_what_the_report_says(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs chromium and chromedriver")
    monkeypatch.chdir(ROOT)
    committed, fresh = Image.open(ROOT / PICTURE), Image.open(BytesIO(picture()))
    assert committed.info[TEXT] == fresh.info[TEXT]
    assert fresh.width == SIZE[0] * SCALE
    assert len(fresh.getcolors() or []) > 10, "it is not blank"


def test_the_readme_shows_the_picture() -> None:
    assert f"]({PICTURE})" in (ROOT / "README.md").read_text()
