"""Which alternative to take: the rules, and their coverage and power in simulated sessions of known truth."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from bench.stats.best import Choice, choose
from bench.stats.interval import Interval
from bench.stats.nested import paired_estimate

SESSIONS = 1_000
ROUNDS, PROCESSES = 4, 6
"""The rounds of a process, and the processes of each alternative."""
ROUND_NOISE, PROCESS_NOISE = 0.01, 0.02


def ratios(logs: Mapping[str, float], reach: float) -> Callable[[str, str, float], Interval]:
    """Return ratios of known logarithms, whose intervals reach equally far at every confidence."""

    def ratio_at(name: str, other: str, confidence: float) -> Interval:
        log = logs[name] - logs[other]
        return Interval(math.exp(log), math.exp(log - reach), math.exp(log + reach), confidence)

    return ratio_at


def test_the_fastest_leads_its_runner_up() -> None:
    choice = choose(["b", "c", "a"], ratios({"a": 0.0, "b": 0.1, "c": 0.3}, 0.04), margin=0.02)
    assert choice.candidates == ("a",)
    assert choice.is_sure
    assert (choice.leader.name, choice.leader.best_other) == ("a", "b")
    assert choice.leader.lead.estimate == pytest.approx(math.exp(0.1))
    assert choice.leader.lead.low == pytest.approx(math.exp(0.06))
    assert choice.leader.lead.confidence == 0.95
    assert [contender.name for contender in choice.contenders] == ["a", "b", "c"]
    assert [set(contender.slower_than) for contender in choice.contenders] == [set(), {"a"}, {"a", "b"}]


def test_those_that_cannot_be_told_apart_are_all_candidates() -> None:
    choice = choose(["a", "b", "c"], ratios({"a": 0.0, "b": 0.01, "c": 0.3}, 0.05), margin=0.02)
    assert choice.candidates == ("a", "b")
    assert not choice.is_sure
    assert choice.leader.lead.low < 1 < choice.leader.lead.high


def test_a_lead_within_the_margin_is_no_lead() -> None:
    logs = {"a": 0.0, "b": 0.05}
    assert choose(["a", "b"], ratios(logs, 0.01), margin=0.02).is_sure
    assert choose(["a", "b"], ratios(logs, 0.01), margin=0.05).candidates == ("a", "b")


def test_each_pair_is_compared_at_a_confidence_for_all_alternatives() -> None:
    asked = set()

    def ratio_at(name: str, other: str, confidence: float) -> Interval:
        asked.add(confidence)
        return Interval(1.0, 0.9, 1.1, confidence)

    choose(["a", "b", "c", "d"], ratio_at, margin=0.01)
    assert asked == {1 - 2 * (1 - 0.95) / 4}


def test_ratios_that_contradict_one_another_leave_every_alternative_in() -> None:
    beats = {("a", "b"), ("b", "c"), ("c", "a")}

    def ratio_at(name: str, other: str, confidence: float) -> Interval:
        return (
            Interval(0.5, 0.4, 0.6, confidence) if (name, other) in beats else Interval(2.0, 1 / 0.6, 2.5, confidence)
        )

    assert set(choose(["a", "b", "c"], ratio_at, margin=0.01).candidates) == {"a", "b", "c"}


def test_a_choice_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two"):
        choose(["a"], ratios({"a": 0.0}, 0.1), margin=0.01)


def simulated(truths: Sequence[float], random: np.random.Generator) -> Choice:
    """Return the choice in a session of alternatives with these logarithms of latencies, and rounds in common."""
    processes = [process for process in range(PROCESSES) for _ in range(ROUNDS)]
    shared = 0.05 * random.standard_normal(len(processes))
    latencies = {
        str(index): np.exp(
            truth
            + shared
            + np.repeat(PROCESS_NOISE * random.standard_normal(PROCESSES), ROUNDS)
            + ROUND_NOISE * random.standard_normal(len(processes))
        ).tolist()
        for index, truth in enumerate(truths)
    }
    names = list(latencies)
    estimates = {
        (name, other): paired_estimate(latencies[name], latencies[other], processes, processes)
        for index, name in enumerate(names)
        for other in names[:index]
    }

    def ratio_at(name: str, other: str, confidence: float) -> Interval:
        if (name, other) in estimates:
            return estimates[name, other].interval(confidence)
        inverse = estimates[other, name].interval(confidence)
        return Interval(1 / inverse.estimate, 1 / inverse.high, 1 / inverse.low, confidence)

    return choose(names, ratio_at, margin=0.0)


def holds(choice: Choice, truths: Sequence[float]) -> bool:
    """Whether all that a choice says is true."""
    best = str(np.argmin(truths))
    for contender in choice.contenders:
        lead = min(truth for index, truth in enumerate(truths) if str(index) != contender.name)
        lead = math.exp(lead - truths[int(contender.name)])
        if contender.lead.low > lead * (1 + 1e-12):
            return False
        if contender.name == best and contender.lead.high < lead:
            return False
    return best in choice.candidates


@pytest.mark.parametrize(
    ("truths", "least", "most"),
    [
        ([0.0] * 4, 0.93, 1.0),
        ([0.0, 0.0, 0.1, 0.2], 0.93, 1.0),
        ([0.0, 0.02, 0.03, 0.03], 0.93, 1.0),
        ([0.0, 0.3], 0.93, 0.97),
    ],
    ids=["all alike", "two alike", "near", "two apart"],
)
def test_all_that_a_choice_says_holds_with_its_confidence(truths: list[float], least: float, most: float) -> None:
    """The bounds are three standard errors from 95 %; of two alternatives that are far apart it is not cautious."""
    random = np.random.default_rng(5)
    right = np.mean([holds(simulated(truths, random), truths) for _ in range(SESSIONS)])
    assert least <= right <= most


def test_a_lead_of_ten_percent_is_found_and_equals_are_seldom_told_apart() -> None:
    random = np.random.default_rng(6)
    ahead = [simulated([0.0, 0.1, 0.1, 0.15], random) for _ in range(200)]
    assert np.mean([choice.candidates == ("0",) for choice in ahead]) > 0.9
    equal = [simulated([0.0] * 4, random) for _ in range(200)]
    assert np.mean([choice.is_sure for choice in equal]) < 0.05
