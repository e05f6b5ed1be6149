"""The figures on the native kernels' page are those of the committed run that it names."""

from pathlib import Path

import pandas as pd
import pytest

from bench.core.target import Target
from bench.report.frame import frame
from bench.stats.paired import geometric_mean
from bench.store import find

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "impls/native/README.md").read_text()
WINOGRAD = ("ncnn_winograd", "native_winograd")


@pytest.fixture(scope="module")
def shares() -> pd.DataFrame:
    """Of the FMA peak: geometric means over layers, by channels per group (rows) and implementation (columns)."""
    run = find("grouped_conv2d-gspc-edge-zen5", ROOT / "results/reference")
    assert run.info.limits
    peak = max(peak.gflops for peak in run.info.limits.peaks if peak.threads == 1)
    assert {record.target for record in run.records} == {str(Target("edge"))}
    table = frame([run]).dropna(subset="gflops")
    table["share"] = table.gflops / peak
    table["width"] = table.cin // table.groups
    return table.pivot_table("share", "width", "implementation", aggfunc=lambda values: geometric_mean(list(values)))


@pytest.mark.parametrize(
    ("row", "columns"), [("native", ["native"]), ("native_winograd", ["native_winograd"]), ("best other", None)]
)
def test_shares_of_the_peak(shares: pd.DataFrame, row: str, columns: list[str] | None) -> None:
    chosen = shares[columns] if columns else shares.drop(columns=["native", *WINOGRAD])
    expected = [f"{share:.0%}".replace("%", " %") if pd.notna(share) else "–" for share in chosen.max(axis=1)]
    assert f"| {row} | {' | '.join(expected)} |" in PAGE


def test_widths(shares: pd.DataFrame) -> None:
    assert f"| channels per group | {' | '.join(map(str, shares.index))} |" in PAGE
