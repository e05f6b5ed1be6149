"""The table of doctor's trials."""

from pathlib import Path
from statistics import median

import pytest

from bench.doctor.trial import PLANTED, CopyComparison, Trial
from bench.stats.verdict import Verdict
from reports.trust import trials

ROOT = Path(__file__).parents[3]
RECORDED = sorted((ROOT / "results/reference/trials").glob("*.jsonl"))
README = (ROOT / "reports/trust/README.md").read_text()


def comparison(trial: Trial, ratio: float, half_width: float = 0.005, implementation: str = "im2col") -> CopyComparison:
    return CopyComparison(
        trial=trial,
        workload="grouped_conv2d",
        implementation=implementation,
        case="cin=4,cout=4,h=5,w=5",
        latency_ns=1000.0,
        processes=12,
        process_std=0.03,
        ratio=ratio,
        low=ratio - half_width,
        high=ratio + half_width,
    )


def test_each_trial_has_a_row_for_all_and_one_for_each_implementation() -> None:
    compared = [
        comparison(Trial.SAME, 1.02),
        comparison(Trial.SAME, 0.998, implementation="pytorch"),
        comparison(Trial.SLOWER, 1.03, 0.01),
        comparison(Trial.SLOWER, 1.015, 0.01),
    ]
    _, _, *rows = trials.table(compared, 0.01)
    assert rows == [
        "| same | all | 2 | 1 | 0 | 1 | 1.009 | ±0.5 % | 1 of 2 | ±2.0 % | 3.0 % |",
        "| same | im2col | 1 | 1 | 0 | 0 | 1.020 | ±0.5 % | 1 of 1 | ±2.0 % | 3.0 % |",
        "| same | pytorch | 1 | 0 | 0 | 1 | 0.998 | ±0.5 % | 0 of 1 | ±0.2 % | 3.0 % |",
        "| slower | all | 2 | 1 | 0 | 1 | 1.022 | ±1.0 % | – | – | 3.0 % |",
        "| slower | im2col | 2 | 1 | 0 | 1 | 1.022 | ±1.0 % | – | – | 3.0 % |",
    ]


def test_a_file_that_is_no_trial_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_text("{}\n")
    monkeypatch.setattr("sys.argv", ["trials", str(path)])
    assert trials.main() == 2
    assert f"{path} is no file of trials" in capsys.readouterr().err


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_page_shows_what_was_recorded(path: Path) -> None:
    assert "\n".join(trials.table(trials.read(path), 0.01)) in README


@pytest.mark.parametrize(("trial", "count"), [("slower", 99), ("rare", 96)])
def test_the_page_says_how_many_slowdowns_are_found_if_they_are_as_small_as_planned(trial: str, count: int) -> None:
    compared = trials.read(ROOT / f"results/reference/trials/zen4-quiet-{trial}.jsonl")
    shift = (1 + PLANTED) / median(comparison.ratio for comparison in compared)
    lowered = [comparison.model_copy(update={"low": comparison.low * shift}) for comparison in compared]
    assert sum(comparison.verdict(0.01) is Verdict.SLOWER for comparison in lowered) == count
    assert {"slower": f"{count} of 100 are found in `slower`", "rare": f"and {count} in `rare`"}[trial] in README
