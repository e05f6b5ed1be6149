"""The figures in the native kernels' README match the committed run that it names."""

from pathlib import Path
from statistics import geometric_mean

import pandas as pd
import pytest

from bench.core.target import Target
from bench.report.frame import frame
from bench.store import find

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "impls/native/README.md").read_text()
WINOGRAD = ("ncnn_winograd", "native_winograd")


@pytest.fixture(scope="module")
def peak_fractions() -> pd.DataFrame:
    """Fractions of the FMA peak: geometric means over layers, by channels per group (rows) and implementation."""
    run = find("grouped_conv2d-gspc-edge-zen5", ROOT / "results/reference")
    assert run.info.machine.peaks
    peak = max(peak.gflops for peak in run.info.machine.peaks.peaks if peak.threads == 1)
    assert {record.target for record in run.records} == {str(Target("edge"))}
    table = frame([run]).dropna(subset="gflops")
    table["fraction"] = table.gflops / peak
    table["width"] = table.cin // table.groups
    return table.pivot_table("fraction", "width", "implementation", aggfunc=geometric_mean)


@pytest.mark.parametrize(
    ("row", "columns"), [("native", ["native"]), ("native_winograd", ["native_winograd"]), ("best other", None)]
)
def test_fractions_of_the_peak_match_the_run(peak_fractions: pd.DataFrame, row: str, columns: list[str] | None) -> None:
    chosen = peak_fractions[columns] if columns else peak_fractions.drop(columns=["native", *WINOGRAD])
    expected = [f"{fraction:.0%}".replace("%", " %") if pd.notna(fraction) else "–" for fraction in chosen.max(axis=1)]
    assert f"| {row} | {' | '.join(expected)} |" in PAGE


def test_widths_match_the_run(peak_fractions: pd.DataFrame) -> None:
    assert f"| channels per group | {' | '.join(map(str, peak_fractions.index))} |" in PAGE
