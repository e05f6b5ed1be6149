"""The table and the chart of the README are what the committed run says."""

import os
import re
import subprocess
import sys
from math import log
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.report.overview import Overview
from bench.report.units import ratio_with_interval
from bench.store import Run
from reports.headline import CHART, RUN, SHOWN, overview

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the command prints, and the folder in which it writes the chart."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "results").symlink_to(ROOT / "results")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(ROOT)])}
    command = [sys.executable, "-m", "reports.headline"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout, folder


@pytest.fixture(scope="module")
def ratios() -> Overview:
    return overview(Run.open(ROOT / "results/reference" / RUN))


@pytest.fixture(scope="module")
def chart() -> ElementTree.Element:
    return ElementTree.parse(ROOT / CHART).getroot()


def texts(chart: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in chart.iter(f"{SVG}text")]


def test_the_readme_shows_the_printed_table(printed: tuple[str, Path]) -> None:
    table, _, source = printed[0].strip().partition("\n\n")
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert " ".join(table.split()) in readme
    assert " ".join(source.split()) in readme


def test_the_readme_shows_the_chart_that_the_command_writes(
    printed: tuple[str, Path], chart: ElementTree.Element
) -> None:
    assert texts(ElementTree.parse(printed[1] / CHART).getroot()) == texts(chart)
    assert f"]({CHART})" in (ROOT / "README.md").read_text()


def test_the_chart_names_each_implementation_with_its_mean(chart: ElementTree.Element, ratios: Overview) -> None:
    means = {mean.implementation: mean.ratio for mean in ratios.means}
    for name in SHOWN:
        assert name in texts(chart)
        assert ratio_with_interval(means[name].estimate, means[name].low, means[name].high) in texts(chart)
    assert RUN in " ".join(texts(chart))


def test_the_chart_is_on_white_so_that_it_can_be_read_on_a_dark_page(chart: ElementTree.Element) -> None:
    ground = next(group for group in chart.iter(f"{SVG}g") if group.get("id") == "patch_1")
    assert "fill: #ffffff" in next(ground.iter(f"{SVG}path")).get("style", "")


def test_the_marks_of_the_chart_lie_where_the_ratios_are(chart: ElementTree.Element, ratios: Overview) -> None:
    """Pixels are a linear function of the logarithm of the ratio: two means fix it, and all marks have to fit."""
    by_id = {group.get("id"): group for group in chart.iter(f"{SVG}g")}
    means = {mean.implementation: mean.ratio for mean in ratios.means if mean.implementation in SHOWN}
    pixels = {name: float(next(by_id[f"mean-{name}"].iter(f"{SVG}use")).get("x", "")) for name in means}
    (left, low), *_, (right, high) = sorted((pixels[name], log(ratio.estimate)) for name, ratio in means.items())

    def ratio_at(pixel: float) -> float:
        return low + (pixel - left) * (high - low) / (right - left)

    for name, ratio in means.items():
        assert ratio_at(pixels[name]) == pytest.approx(log(ratio.estimate), abs=1e-4)
        path = next(by_id[f"interval-{name}"].iter(f"{SVG}path")).get("d", "")
        ends = [float(number) for number in re.findall(r"[ML] ([\d.]+)", path)]
        assert [ratio_at(end) for end in ends] == pytest.approx([log(ratio.low), log(ratio.high)], abs=1e-4)
