"""The findings of doctor, their text, and the noise floor that it stores."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import machine, noise
from bench.cli import main
from bench.core import registry
from bench.core.errors import UsageError
from bench.doctor import examine as examining
from bench.doctor import text
from bench.doctor.examine import MIN_PAIRS_FOR_NOISE_FLOOR, Findings, examine
from bench.doctor.trial import (
    CopyComparison,
    Trial,
    most_variable,
    noise_floor,
)
from bench.peaks import host
from bench.peaks.model import Bandwidth, GpuPeaks
from bench.stats.verdict import Verdict


def comparisons(*estimates: float, trial: Trial = Trial.SAME, **changes: Any) -> list[CopyComparison]:
    """Comparisons of these ratios, with intervals of +-0.2 %."""
    defaults = {"workload": "chain", "implementation": "chain", "case": "", "latency_ns": 1e6, "processes": 12}
    return [
        CopyComparison(
            **(defaults | {"process_std": 0.01} | changes),
            trial=trial,
            ratio=ratio,
            low=ratio - 0.002,
            high=ratio + 0.002,
        )
        for ratio in estimates
    ]


GPU = GpuPeaks(
    gpu="A GPU",
    peaks={"tf32": 400e3},
    bandwidths=[Bandwidth(working_set_bytes=2**30, bytes_per_second=3e12)],
    empty_graph_ns=1500.0,
)


def findings(**trials: list[float]) -> Findings:
    by_trial = {Trial(name): comparisons(*ratios, trial=Trial(name)) for name, ratios in trials.items()}
    return Findings(machine.environment(()), None, GPU, by_trial, 0.01, {"target cuda": "no driver"})


EQUAL = [1.0] * 20
SLOWER = [1.05] * 20
ONE_FALSE = [0.98, *[1.0] * 19]
TWO_FALSE = [0.98, 1.02, *[1.0] * 18]


class TestFindings:
    def test_noise_floor_is_the_difference_that_95_of_100_pairs_stay_within(self) -> None:
        assert noise_floor(comparisons(*[1 + step / 1000 for step in range(100)])) == pytest.approx(0.094)
        assert noise_floor(comparisons(0.97, 1.0)) == pytest.approx(0.03)

    @pytest.mark.parametrize(
        ("ratio", "margin", "verdict"),
        [
            (0.98, 0.01, Verdict.FASTER),
            (0.995, 0.01, Verdict.CANNOT_TELL),
            (1.005, 0.01, Verdict.CANNOT_TELL),
            (1.005, 0.001, Verdict.SLOWER),
            (1.02, 0.01, Verdict.SLOWER),
            (1.02, 0.05, Verdict.CANNOT_TELL),
        ],
    )
    def test_a_comparison_is_judged_at_the_margin(self, ratio: float, margin: float, verdict: Verdict) -> None:
        assert comparisons(ratio)[0].verdict(margin) is verdict

    @pytest.mark.parametrize("trial", Trial)
    def test_false_verdicts_and_missed_slowdowns_count_as_wrong(self, trial: Trial) -> None:
        """For the same code any difference is wrong; for a slower copy any verdict but slower."""
        ratios = [0.98, 0.995, 1.005, 1.02, 1.05, 1.05]
        assert findings(**{trial: ratios}).wrong(trial) == (3 if trial.slowdown else 4)
        assert findings(**{trial: [1.05] * 4}).wrong(trial) == (0 if trial.slowdown else 4)
        assert findings(**{trial: [1.0] * 4}).wrong(trial) == (4 if trial.slowdown else 0)

    @pytest.mark.parametrize(
        ("trials", "trusted"),
        [
            ({"same": EQUAL, "busy": EQUAL, "slower": SLOWER, "rare": SLOWER}, True),
            ({"same": ONE_FALSE, "busy": ONE_FALSE, "slower": SLOWER, "rare": SLOWER}, True),
            ({"same": TWO_FALSE, "busy": EQUAL, "slower": SLOWER, "rare": SLOWER}, False),
            ({"same": EQUAL, "busy": TWO_FALSE, "slower": SLOWER, "rare": SLOWER}, False),
            ({"same": EQUAL, "busy": EQUAL, "slower": [1.0, 1.0, *[1.05] * 18], "rare": SLOWER}, False),
            ({"same": EQUAL, "busy": EQUAL, "slower": [0.95] * 20, "rare": SLOWER}, False),
            ({"same": EQUAL, "busy": EQUAL, "slower": SLOWER, "rare": [1.0, 1.0, *[1.05] * 18]}, False),
            ({"slower": SLOWER}, True),
        ],
    )
    def test_verdicts_are_trusted_if_95_of_100_are_right_in_each_trial(
        self, trials: dict[str, list[float]], trusted: bool
    ) -> None:
        result = findings(**trials)
        assert result.trustworthy() is trusted
        last = list(text.lines(result))[-1]
        assert last.startswith("verdicts can be trusted" if trusted else "verdicts are NOT to be trusted")

    def test_too_few_pairs_do_not_establish_trust(self) -> None:
        lines = list(text.lines(findings(same=[1.0], slower=[1.05], busy=[1.0], rare=[1.05])))
        assert lines[-1].startswith("nothing amiss, but too few pairs")
        assert "cannot run: target cuda: no driver" in lines
        assert "A GPU, copy bandwidth by working set, GB/s: 1024 MiB 3000" in lines

    def test_the_text_counts_the_wrong_verdicts_of_each_trial(self) -> None:
        lines = list(text.lines(findings(same=TWO_FALSE, busy=EQUAL, slower=SLOWER, rare=[1.0, *SLOWER])))
        for line in (
            "false verdicts on identical code: 2 of 20 (margin 1.0%)",
            "false verdicts on identical code beside a busy core: 0 of 20 (margin 1.0%)",
            "missed slowdowns of 3% in every call: 0 of 20 (margin 1.0%)",
            "missed slowdowns of 3% on average, in rare slow calls: 1 of 21 (margin 1.0%)",
        ):
            assert line in lines

    def test_the_noise_floor_needs_enough_pairs_of_the_same_code(self) -> None:
        few, enough = [1.0] * (MIN_PAIRS_FOR_NOISE_FLOOR - 1), [1.0] * (MIN_PAIRS_FOR_NOISE_FLOOR - 1) + [0.97]
        assert findings(same=few).noise_floor is None
        assert findings(busy=enough, slower=enough).noise_floor is None
        assert findings(same=enough).noise_floor == pytest.approx(0.03)
        assert any(line.startswith("noise floor: unknown") for line in text.lines(findings(same=few)))
        assert any("differs by up to 3.0% here" in line for line in text.lines(findings(same=enough)))

    def test_the_most_variable_implementations_are_ordered_by_median_spread(self) -> None:
        pairs = [
            comparison
            for name, spreads in {"a": [0.01, 0.02, 0.9], "b": [0.05], "c": [0.0], "d": [0.03, 0.03]}.items()
            for spread in spreads
            for comparison in comparisons(1.0, implementation=name, process_std=spread)
        ]
        assert most_variable(pairs) == [("chain/b", 0.05), ("chain/d", 0.03), ("chain/a", 0.02)]


def test_a_noise_floor_is_stored_for_each_machine(tmp_path: Path) -> None:
    floor = noise.NoiseFloor(ratio=0.009, pairs=100, measured=datetime(2026, 1, 1, tzinfo=UTC))
    noise.save(tmp_path, "one", floor)
    assert noise.load(tmp_path, "one") == floor
    assert noise.load(tmp_path, "other") is None


class TestExamination:
    @pytest.fixture(autouse=True)
    def without_measuring(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace all measurements: peaks are missing, all ratios but the last are 1, and only the chain is tried."""

        def compare(
            kind: Trial, pairs: int, subjects: object, budget_s: float, keep: Callable[[CopyComparison], None]
        ) -> None:
            for comparison in comparisons(*[1.0] * (pairs - 1), 1.02, trial=kind):
                keep(comparison)

        monkeypatch.setattr(examining, "compare_copies", compare)
        monkeypatch.setattr(registry, "implementations", list)
        monkeypatch.setattr(examining, "host", SimpleNamespace(peaks=lambda folder, thorough: None))

    def test_every_comparison_is_logged(self, tmp_path: Path) -> None:
        folder = tmp_path / "machines"
        result = examine(folder, [Trial.SAME, Trial.RARE], 3, 0.01, 0.1)
        log = folder / f"{result.environment.machine_id}-trials.jsonl"
        logged = [CopyComparison.model_validate_json(line) for line in log.read_text().splitlines()]
        assert logged == [*result.trials[Trial.SAME], *result.trials[Trial.RARE]]
        assert [comparison.trial for comparison in logged] == [Trial.SAME] * 3 + [Trial.RARE] * 3
        examine(folder, [Trial.BUSY], 1, 0.01, 0.1)
        assert len(log.read_text().splitlines()) == 7, "earlier comparisons stay"

    def test_the_noise_floor_is_stored_if_there_were_enough_pairs(self, tmp_path: Path) -> None:
        machine_id = examine(tmp_path, [Trial.SAME], MIN_PAIRS_FOR_NOISE_FLOOR - 1, 0.01, 0.1).environment.machine_id
        assert noise.load(tmp_path, machine_id) is None
        examine(tmp_path, list(Trial), MIN_PAIRS_FOR_NOISE_FLOOR, 0.01, 0.1)
        kept = noise.load(tmp_path, machine_id)
        assert kept is not None
        assert (kept.ratio, kept.pairs) == (pytest.approx(0.02), MIN_PAIRS_FOR_NOISE_FLOOR)
        examine(tmp_path, [Trial.SLOWER], MIN_PAIRS_FOR_NOISE_FLOOR, 0.01, 0.1)
        assert noise.load(tmp_path, machine_id) == kept, "only pairs of the same code measure noise"

    def test_progress_is_reported(self, tmp_path: Path) -> None:
        messages: list[str] = []
        examine(tmp_path, [Trial.SAME], 2, 0.01, 0.1, watch=messages.append)
        assert messages == ["measuring peaks", "same 1/2: chain ", "same 2/2: chain "]

    def test_an_unknown_name_is_refused_before_anything_is_measured(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no implementation 'keras'"):
            examine(tmp_path / "machines", [Trial.SAME], 1, 0.01, 0.1, ["keras"])
        assert not (tmp_path / "machines").exists()

    def test_a_folder_that_cannot_be_written_is_a_usage_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(UsageError, match="choose another folder with --results"):
            examine(tmp_path / "file", [Trial.SAME], 1, 0.01, 0.1)


def test_the_command_runs_a_trial_and_prints_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quick_peaks = partial(host.measure_peaks, quick=True)
    monkeypatch.setattr(host, "measure_peaks", lambda quick: quick_peaks())  # in a tenth of the time
    command = ["doctor", "--pairs", "1", "--trial", "same", "--impl", "chain", "--budget", "100ms", "--json"]
    monkeypatch.setattr(sys, "argv", ["featherbench", *command, "--results", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code in (0, 3)  # 3: identical code was called different, which may happen
    printed = json.loads(capsys.readouterr().out)
    (comparison,) = printed["trials"]["same"]["comparisons"]
    assert printed["trials"].keys() == {"same"}
    assert (stopped.value.code == 3) == (printed["trials"]["same"]["wrong"] == 1)
    assert (printed["noise_floor"], printed["margin"]) == (None, 0.01)
    (log,) = (tmp_path / "machines").glob("*-trials.jsonl")
    assert json.loads(log.read_text()) == comparison | {"trial": "same"}
