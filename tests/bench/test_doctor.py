"""What doctor makes of its trials."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench import machine, noise
from bench.doctor import words
from bench.doctor.examine import Findings
from bench.doctor.trial import Trial
from bench.limits.model import Flow, GpuLimits
from bench.stats.interval import Interval
from bench.stats.verdict import Verdict


def trial(*estimates: float) -> Trial:
    """Ratios with intervals of +-0.2 %, judged at a margin of 1 %."""
    return Trial([Interval(ratio, ratio - 0.002, ratio + 0.002, 0.95) for ratio in estimates], margin=0.01)


GPU = GpuLimits(
    gpu="A GPU",
    peaks={"tf32": 400e3},
    flows=[Flow(working_set_bytes=2**30, bytes_per_second=3e12)],
    empty_graph_ns=1500.0,
)


def findings(same: Trial, slower: Trial, busy: Trial) -> Findings:
    return Findings(machine.environment(()), None, GPU, same, slower, busy, {"target cuda": "no driver"})


QUIET = trial(*[1.0] * 20)
FOUND = trial(*[1.05] * 20)
ONE_FALSE = trial(0.98, *[1.0] * 19)
TWO_FALSE = trial(0.98, 1.02, *[1.0] * 18)


def test_spread_is_what_95_of_100_pairs_stay_within() -> None:
    assert trial(*[1 + step / 1000 for step in range(100)]).spread() == pytest.approx(0.094)
    assert trial(0.97, 1.0).spread() == pytest.approx(0.03)


def test_verdicts_are_counted_at_the_margin() -> None:
    found = trial(0.98, 0.995, 1.005, 1.02, 1.05)
    assert (found.count(Verdict.FASTER), found.count(Verdict.SLOWER)) == (1, 2)


@pytest.mark.parametrize(
    ("same", "slower", "busy", "trusted"),
    [
        (QUIET, FOUND, QUIET, True),
        (ONE_FALSE, FOUND, ONE_FALSE, True),
        (TWO_FALSE, FOUND, QUIET, False),
        (QUIET, FOUND, TWO_FALSE, False),
        (QUIET, trial(1.0, 1.0, *[1.05] * 18), QUIET, False),
        (QUIET, trial(*[0.95] * 20), QUIET, False),
    ],
)
def test_trust_takes_95_of_100_in_each_trial(same: Trial, slower: Trial, busy: Trial, trusted: bool) -> None:
    found = findings(same, slower, busy)
    assert found.trustworthy() is trusted
    last = list(words.lines(found))[-1]
    assert last.startswith("verdicts can be trusted" if trusted else "verdicts are NOT to be trusted")


def test_too_few_pairs_promise_nothing() -> None:
    told = list(words.lines(findings(trial(1.0), trial(1.05), trial(1.0))))
    assert told[-1].startswith("nothing amiss, but too few pairs")
    assert "cannot run: target cuda: no driver" in told
    assert "A GPU, copy bandwidth by working set, GB/s: 1024 MiB 3000" in told


def test_a_noise_floor_is_kept_by_machine(tmp_path: Path) -> None:
    floor = noise.NoiseFloor(ratio=0.009, pairs=100, measured=datetime(2026, 1, 1, tzinfo=UTC))
    noise.save(tmp_path, "one", floor)
    assert noise.load(tmp_path, "one") == floor
    assert noise.load(tmp_path, "other") is None
