"""The table counts what the file holds, and what is measured goes on where it stopped."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.core.errors import UsageError
from bench.stats.verdict import Verdict
from reports.trust import time_to_verdict
from reports.trust.time_to_verdict import CASE, ToolTrial, measure, read, table
from reports.trust.tools import TimedVerdict, Tool, ToolError, ToolVerdict

FASTER, SLOWER, CANNOT_TELL = Verdict.FASTER, Verdict.SLOWER, Verdict.CANNOT_TELL


def trial(tool: str, apart: float, pair: int, verdict: Verdict | None, seconds: float | None = 10.0) -> ToolTrial:
    return ToolTrial(
        tool=tool,
        version="1.2",
        implementation="pytorch",
        case=CASE,
        slowdown_percent=apart,
        pair=pair,
        core=1,
        margin_percent=1,
        started=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=seconds if verdict else None,
        verdict=verdict,
        error="" if verdict else "it crashed",
    )


def test_the_page_shows_what_was_recorded() -> None:
    root = Path(__file__).parents[3]
    recorded = read(root / "results/reference/trials/tools/zen5.jsonl")
    assert "\n".join(table(recorded)).strip() in (root / "reports/trust/README.md").read_text()


def test_a_table_counts_each_kind_of_mistake() -> None:
    verdicts = {
        0: [CANNOT_TELL, FASTER, SLOWER, CANNOT_TELL],
        2: [SLOWER, CANNOT_TELL, FASTER],
        5: [SLOWER, SLOWER, CANNOT_TELL],
    }
    trials = [
        trial("asv", apart, pair, verdict, seconds=10.0 + pair)
        for apart, said in verdicts.items()
        for pair, verdict in enumerate(said)
    ]
    assert list(table([*trials, trial("Featherbench", 0, 1, CANNOT_TELL)])) == [
        f"**pytorch, {CASE}**",
        "",
        "| tool | time to a verdict, s: median (range) | identical: false verdicts | 2 % apart: missed "
        "| 2 % apart: wrong direction | 5 % apart: missed | 5 % apart: wrong direction |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| Featherbench 1.2 | 10.0 (10.0 to 10.0) | 0 of 1 | not tried | not tried | not tried | not tried |",
        "| asv 1.2 | 11.0 (10.0 to 13.0) | 2 of 4 | 1 of 3 | 1 of 3 | 1 of 3 | 0 of 3 |",
        "",
    ]


def test_failures_are_counted_apart_until_a_later_trial_succeeds() -> None:
    failed = [trial("asv", 0, 1, None), trial("asv", 0, 2, None), trial("asv", 0, 2, None), trial("asv", 0, 3, SLOWER)]
    lines = list(table(failed))
    assert "| asv 1.2 | 10.0 (10.0 to 10.0) | 1 of 1 |" in lines
    assert "asv gave no verdict on 2 of the pairs, which are not counted." in lines
    lines = list(table([*failed, trial("asv", 0, 1, CANNOT_TELL)]))
    assert "asv gave no verdict on 1 of the pairs, which are not counted." in lines


def test_nothing_measured_makes_no_table(tmp_path: Path) -> None:
    assert list(table(read(tmp_path / "none.jsonl"))) == []


class Fake(Tool):
    """Fails on the second pair, the first time that it sees it."""

    name = "asv"
    distribution = "pytest"
    failed = False

    def prepare(self, pair, folder):
        assert pair.copy.parent == folder

    def compare(self, pair, folder):
        raise NotImplementedError

    def measure(self, pair, folder):
        self.prepare(pair, folder)
        if pair.slowdown and not Fake.failed:
            Fake.failed = True
            raise ToolError("it crashed")
        return TimedVerdict(ToolVerdict(SLOWER if pair.slowdown else CANNOT_TELL, 1 + pair.slowdown), 2.5)


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    monkeypatch.setattr(time_to_verdict, "TOOLS", {"asv": Fake})
    monkeypatch.setattr(Fake, "failed", False)
    given = ["--pairs", "2", "--slowdown", "0,2", "--impl", "im2col", "--out", str(tmp_path / "a/trials.jsonl")]
    return time_to_verdict._parser().parse_args(given)


def test_measuring_goes_on_where_it_stopped(arguments: argparse.Namespace) -> None:
    assert measure(arguments) == 1
    assert [(t.pair, t.slowdown_percent, t.verdict) for t in read(arguments.out)] == [
        (1, 0, CANNOT_TELL),
        (1, 2, None),
        (2, 0, CANNOT_TELL),
        (2, 2, SLOWER),
    ]
    arguments.out.write_text(arguments.out.read_text() + '{"tool": "asv", "versi')  # killed while writing
    assert measure(arguments) == 0
    trials = read(arguments.out)
    assert (trials[-1].pair, trials[-1].slowdown_percent, trials[-1].verdict) == (1, 2, SLOWER)
    assert (trials[-1].seconds, trials[-1].ratio, trials[-1].margin_percent) == (2.5, 1.02, 1)
    before = arguments.out.read_text()
    assert measure(arguments) == 0
    assert arguments.out.read_text() == before


def test_what_cannot_be_measured_is_told_first(arguments: argparse.Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments.core = 4096
    with pytest.raises(UsageError, match="core 4096 may not be used"):
        measure(arguments)
    monkeypatch.setattr(Fake, "distribution", "no-such-distribution")
    arguments.tool = ["asv"]
    with pytest.raises(UsageError, match="asv is not installed"):
        measure(arguments)
    assert not arguments.out.exists()


def test_a_table_without_a_file_names_the_file_and_what_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.jsonl"
    monkeypatch.setattr("sys.argv", ["time_to_verdict", "--table", "--out", str(missing)])
    assert time_to_verdict.main() == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert str(missing) in printed.err
    assert "without --table measures and makes it" in printed.err
