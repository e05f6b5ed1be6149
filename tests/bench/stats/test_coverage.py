"""How often a 95 % interval holds the true median: simulated experiments of known truth.

Magnitudes are those of benchmarks: 1 to 3 % of noise a round, a neighbour that makes 5 to 20 % of the rounds 10 to 30 %
slower in bursts of a few rounds, slow wander of the clock. The claim is that true coverage lies within 93 to 97 %;
over 3,000 experiments what is measured of it has a standard error of 0.35 points, of which two are allowed for.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.stats import interval
from bench.stats.interval import median_interval
from bench.stats.paired import paired_ratio, unpaired_ratio

Array = NDArray[np.float64]
Random = np.random.Generator
EXPERIMENTS = 3_000
ROUNDS = (10, 20, 30, 60, 100)
LOWEST, HIGHEST = 0.93 - 0.007, 0.97 + 0.007
NOISE = 0.02
BASE = 1e5  # ns


def noise(random: Random, rounds: int, spread: float = NOISE) -> Array:
    """Independent log-latencies; (experiments, rounds), as all below."""
    return spread * random.standard_normal((EXPERIMENTS, rounds))


def wander(random: Random, rounds: int, memory: float) -> Array:
    """A stationary AR(1) series of variance 1 with lag-one correlation ``memory``."""
    steps = random.standard_normal((EXPERIMENTS, rounds))
    for now in range(1, rounds):
        steps[:, now] = memory * steps[:, now - 1] + math.sqrt(1 - memory**2) * steps[:, now]
    return steps


def wave(random: Random, rounds: int, shortest: float, longest: float) -> Array:
    """A sine of variance 1 with random phase and a random period, in rounds."""
    period, phase = random.uniform(shortest, longest, (EXPERIMENTS, 1)), random.random((EXPERIMENTS, 1))
    return math.sqrt(2) * np.sin(2 * np.pi * (np.arange(rounds) / period + phase))


def bursts(random: Random, rounds: int, share: float, length: float) -> Array:
    """1.0 in slow rounds, else 0.0: a stationary two-state Markov chain with that share and mean burst length."""
    leave, enter = 1 / length, share / (1 - share) / length
    draws = random.random((EXPERIMENTS, rounds))
    slow = draws < share
    for now in range(1, rounds):
        slow[:, now] = np.where(slow[:, now - 1], draws[:, now] >= leave, draws[:, now] < enter)
    return slow.astype(np.float64)


def burst_median(share: float, factor: float, spread: float = NOISE) -> float:
    """The median of log-latencies that are slower by ``factor`` in a share of the rounds, by bisection."""
    quiet, slow = NormalDist(0, spread), NormalDist(math.log(factor), spread)
    low, high = 0.0, math.log(factor)
    for _ in range(60):
        middle = (low + high) / 2
        below = (1 - share) * quiet.cdf(middle) + share * slow.cdf(middle)
        low, high = (middle, high) if below < 0.5 else (low, middle)
    return low


def of_medians(logs: Array, truth: float) -> float:
    """The coverage of median_interval."""
    intervals = [median_interval(row) for row in BASE * np.exp(logs)]
    return float(np.mean([i.low <= BASE * math.exp(truth) <= i.high for i in intervals]))


def of_ratios(logs: Array, baseline: Array, truth: float) -> float:
    """The coverage of paired_ratio where the implementation takes 0.97 of the baseline's time."""
    pairs = zip(0.97 * BASE * np.exp(logs), BASE * np.exp(baseline), strict=True)
    intervals = [paired_ratio(*pair) for pair in pairs]
    return float(np.mean([i.low <= 0.97 * math.exp(truth) <= i.high for i in intervals]))


def burst(share: float, length: float, factor: float) -> Callable[[Random, int], tuple[Array, float]]:
    """A case of bursts on top of noise, with its true median."""
    return lambda random, rounds: (
        noise(random, rounds) + math.log(factor) * bursts(random, rounds, share, length),
        burst_median(share, factor),
    )


def drift(size: float, memory: float) -> Callable[[Random, int], tuple[Array, float]]:
    """A case of wander, ``size`` times the noise, on top of it."""
    return lambda random, rounds: (noise(random, rounds) + size * NOISE * wander(random, rounds, memory), 0.0)


def sine(shortest: float, longest: float) -> Callable[[Random, int], tuple[Array, float]]:
    """A case of a sine, half the noise, on top of it."""
    return lambda random, rounds: (noise(random, rounds) + NOISE / 2 * wave(random, rounds, shortest, longest), 0.0)


ONE_RUN: dict[str, Callable[[Random, int], tuple[Array, float]]] = {
    "normal": lambda random, rounds: (noise(random, rounds), 0.0),
    "lognormal": lambda random, rounds: (np.log1p(0.02 * np.exp(noise(random, rounds, 1.0))), math.log(1.02)),
    "5 % in bursts of 2, 30 % slower": burst(0.05, 2, 1.3),
    "10 % in bursts of 3, 20 % slower": burst(0.10, 3, 1.2),
    "10 % in bursts of 5, 10 % slower": burst(0.10, 5, 1.1),
    "20 % in bursts of 3, 10 % slower": burst(0.20, 3, 1.1),
    "20 % in bursts of 3, 5 % slower": burst(0.20, 3, 1.05),
    "20 % in bursts of 5, 10 % slower": burst(0.20, 5, 1.1),
    "20 % in bursts of 8, 10 % slower": burst(0.20, 8, 1.1),
    "wander 0.5, as large as the noise": drift(1.0, 0.5),
    "wander 0.8, half the noise": drift(0.5, 0.8),
    "wander 0.8, as large as the noise": drift(1.0, 0.8),
    "wander 0.9, half the noise": drift(0.5, 0.9),
    "wander 0.95, half the noise": drift(0.5, 0.95),
    "sine of 10 to 40 rounds": sine(10, 40),
    "sine of 40 to 200 rounds": sine(40, 200),
}


def only_one(share: float, length: float, factor: float) -> Callable[[Random, int], tuple[Array, Array, float]]:
    """Bursts that slow the implementation only."""
    return lambda random, rounds: (
        noise(random, rounds) + math.log(factor) * bursts(random, rounds, share, length),
        noise(random, rounds),
        burst_median(share, factor, NOISE * math.sqrt(2)),
    )


def shared(common: Callable[[Random, int], Array]) -> Callable[[Random, int], tuple[Array, Array, float]]:
    """Whatever slows both alike."""

    def case(random: Random, rounds: int) -> tuple[Array, Array, float]:
        both = common(random, rounds)
        return both + noise(random, rounds), both + noise(random, rounds), 0.0

    return case


def unequal(random: Random, rounds: int) -> tuple[Array, Array, float]:
    """Bursts that slow the baseline by 20 % and the implementation by 30 %."""
    slow = bursts(random, rounds, 0.1, 3)
    truth = burst_median(0.1, 1.3 / 1.2, NOISE * math.sqrt(2))
    return noise(random, rounds) + math.log(1.3) * slow, noise(random, rounds) + math.log(1.2) * slow, truth


def each_its_own(random: Random, rounds: int) -> tuple[Array, Array, float]:
    """Bursts that slow either, independently."""
    one, other = bursts(random, rounds, 0.1, 3), bursts(random, rounds, 0.1, 3)
    return noise(random, rounds) + math.log(1.2) * one, noise(random, rounds) + math.log(1.2) * other, 0.0


def leaking(random: Random, rounds: int) -> tuple[Array, Array, float]:
    """A drift that the baseline feels only half of."""
    common = 2 * NOISE * wander(random, rounds, 0.9)
    return noise(random, rounds) + common, noise(random, rounds) + common / 2, 0.0


PAIRED: dict[str, Callable[[Random, int], tuple[Array, Array, float]]] = {
    "normal": lambda random, rounds: (noise(random, rounds), noise(random, rounds), 0.0),
    "lognormal": lambda random, rounds: (
        np.log1p(0.02 * np.exp(noise(random, rounds, 1.0))),
        np.log1p(0.02 * np.exp(noise(random, rounds, 1.0))),
        0.0,
    ),
    "wander 0.95, both": shared(lambda random, rounds: 0.05 * wander(random, rounds, 0.95)),
    "sine of 40 to 200 rounds, both": shared(lambda random, rounds: 0.05 * wave(random, rounds, 40, 200)),
    "20 % in bursts of 8, both": shared(lambda random, rounds: 0.2 * bursts(random, rounds, 0.2, 8)),
    "10 % in bursts of 3, both, unequally": unequal,
    "5 % in bursts of 2, one": only_one(0.05, 2, 1.3),
    "10 % in bursts of 3, one": only_one(0.10, 3, 1.2),
    "10 % in bursts of 5, one": only_one(0.10, 5, 1.1),
    "20 % in bursts of 3, one": only_one(0.20, 3, 1.1),
    "20 % in bursts of 5, one": only_one(0.20, 5, 1.1),
    "10 % in bursts of 3, each its own": each_its_own,
    "wander 0.9, both, unequally": leaking,
}

# Where coverage is known to leave the band, and what it was found to be (docstring of median_interval).
LIMITS = {
    ("20 % in bursts of 5, 10 % slower", 10): 0.897,
    ("20 % in bursts of 5, 10 % slower", 30): 0.925,
    ("20 % in bursts of 8, 10 % slower", 30): 0.886,
    ("20 % in bursts of 8, 10 % slower", 100): 0.902,
    ("wander 0.8, half the noise", 30): 0.908,
    ("wander 0.8, as large as the noise", 30): 0.880,
    ("wander 0.9, half the noise", 30): 0.855,
    ("wander 0.95, half the noise", 60): 0.791,
    ("sine of 40 to 200 rounds", 30): 0.713,
    ("sine of 10 to 40 rounds", 100): 0.994,
}
INDEPENDENT = ("normal", "lognormal")
BEYOND = {name for name, _ in LIMITS} | {"20 % in bursts of 5, one", "wander 0.9, both, unequally"}


def seeded(name: str, rounds: int) -> Random:
    return np.random.default_rng([rounds, *name.encode()])


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("name", INDEPENDENT)
def test_median_of_independent_rounds(name: str, rounds: int) -> None:
    assert LOWEST <= of_medians(*ONE_RUN[name](seeded(name, rounds), rounds)) <= HIGHEST


@pytest.mark.parametrize("rounds", ROUNDS[1:])
@pytest.mark.parametrize("name", [name for name in ONE_RUN if name not in {*INDEPENDENT, *BEYOND}])
def test_median_of_dependent_rounds(name: str, rounds: int) -> None:
    assert LOWEST <= of_medians(*ONE_RUN[name](seeded(name, rounds), rounds)) <= HIGHEST


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("name", INDEPENDENT)
def test_ratio_of_independent_rounds(name: str, rounds: int) -> None:
    assert LOWEST <= of_ratios(*PAIRED[name](seeded(name, rounds), rounds)) <= HIGHEST


@pytest.mark.parametrize("rounds", ROUNDS[1:])
@pytest.mark.parametrize("name", [name for name in PAIRED if name not in {*INDEPENDENT, *BEYOND}])
def test_ratio_of_dependent_rounds(name: str, rounds: int) -> None:
    assert LOWEST <= of_ratios(*PAIRED[name](seeded(name, rounds), rounds)) <= HIGHEST


@pytest.mark.parametrize(("case", "found"), LIMITS.items(), ids=str)
def test_limits_are_as_documented(case: tuple[str, int], found: float) -> None:
    name, rounds = case
    assert of_medians(*ONE_RUN[name](seeded(name, rounds), rounds)) == pytest.approx(found, abs=0.025)


def test_without_the_correction_bursts_are_not_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "20 % in bursts of 3, 10 % slower"
    monkeypatch.setattr(interval, "variance_inflation", lambda values: 1.0)
    assert of_medians(*ONE_RUN[name](seeded(name, 60), 60)) < 0.90


def test_pairing_rescues_what_a_shared_drift_spoils() -> None:
    name = "wander 0.95, both"
    ours, theirs, truth = PAIRED[name](seeded(name, 60), 60)
    assert of_medians(ours, truth) < 0.85
    assert of_ratios(ours, theirs, truth) > 0.93


@pytest.mark.parametrize("rounds", [20, 60])
def test_unpaired_ratio_is_conservative(rounds: int) -> None:
    random = np.random.default_rng(rounds)
    pairs = zip(np.exp(noise(random, rounds)), np.exp(noise(random, 30)), strict=True)
    intervals = [unpaired_ratio(*pair) for pair in pairs]
    assert np.mean([i.low <= 1 <= i.high for i in intervals]) > 0.975


@pytest.mark.parametrize("rounds", [10, 20, 40])
@pytest.mark.parametrize("kind", ["normal", "lognormal", "heavy tails"])
def test_very_sure_intervals_reach_beyond_the_extremes_far_enough(kind: str, rounds: int) -> None:
    """At 99.9 %, which at 10 rounds no order statistics give; 0.17 % is two standard errors above 0.1 %."""
    random = np.random.default_rng(7)
    experiments = 8_000
    values = {
        "normal": random.standard_normal((experiments, rounds)),
        "lognormal": np.exp(0.5 * random.standard_normal((experiments, rounds))) - 1,
        "heavy tails": random.standard_t(3, (experiments, rounds)),
    }[kind]
    intervals = [median_interval(row, 0.999) for row in values]
    assert all(math.isfinite(i.low) and math.isfinite(i.high) for i in intervals)
    assert np.mean([not i.low <= 0 <= i.high for i in intervals]) <= 0.0017
