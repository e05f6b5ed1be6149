"""Makes the README's picture of a report: its first part, as a browser shows it.

Run it from a checkout, as ``python -m reports.picture``. It needs the extra ``dev``, Chromium and its driver.
"""

import shutil
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from selenium import webdriver

from bench.core.errors import UsageError
from bench.report.html import write_report
from bench.store import REFERENCE, find
from reports.headline import RUN

PICTURE = Path("docs/images/report.png")
SIZE, SCALE = (980, 900), 1.5
"""Size of the window in CSS pixels, and pixels of the picture for each of them."""
COLOURS = 64
"""Number of colours of the picture; few keep the file small."""
TEXT = "Description"
"""Name of the picture's text, by which a test sees that it shows what the report says."""
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={SIZE[0]},{SIZE[1]}")
_PART = """
    const part = document.querySelector("article.recommendation");
    const { top, bottom } = part.querySelector("details.by-value").getBoundingClientRect();
    const heading = document.querySelector("#recommendation h2").getBoundingClientRect();
    return { text: part.innerText, top: heading.top + scrollY, bottom: bottom + scrollY };"""
"""The part of the page to show: from its first heading to the end of the table for each value of a parameter."""


def main() -> None:
    """Write the picture."""
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_bytes(picture())


def picture() -> bytes:
    """Return the picture as PNG, with the text that it shows.

    Raises:
        UsageError: where there is no Chromium or no driver for it.
    """
    with TemporaryDirectory() as folder:
        page = write_report([find(RUN, REFERENCE)], Path(folder) / "report.html")
        browser = _browser()
        try:
            return _photograph(browser, page)
        finally:
            browser.quit()


def _browser() -> webdriver.Chrome:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        raise UsageError("needs chromium and chromedriver; install both")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in _FLAGS:
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def _photograph(browser: webdriver.Chrome, page: Path) -> bytes:
    browser.get(page.as_uri())
    part: dict[str, Any] = browser.execute_script(_PART)
    top = part["top"] - 16
    clip = {"x": 0, "y": top, "width": SIZE[0], "height": part["bottom"] + 4 - top}
    shot = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"clip": {**clip, "scale": SCALE}, "captureBeyondViewport": True}
    )
    texts, output = PngInfo(), BytesIO()
    texts.add_itxt(TEXT, " ".join(part["text"].split()))
    image = Image.open(BytesIO(b64decode(shot["data"]))).convert("RGB").quantize(COLOURS)
    image.save(output, "PNG", optimize=True, pnginfo=texts)
    return output.getvalue()


if __name__ == "__main__":
    main()
