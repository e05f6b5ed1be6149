"""Records and latencies: which fields must agree, and which rounds of a latency count."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from bench.core.record import Check, Latency, Memory, Record, Status, Work, undisturbed


def latency(**changes: Any) -> Latency:
    fields: dict[str, Any] = {
        "rounds": [[1.0, 3.0], [2.0, 2.0], [4.0]],
        "numbers": [1, 2, 4],
        "processes": [0, 0, 1],
        "calls_per_sample": 1,
        "estimate": 2.0,
        "low": 1.0,
        "high": 3.0,
        "stopped": None,
    }
    return Latency(**{**fields, **changes})


def test_the_mean_counts_every_sample() -> None:
    assert latency().means() == [2.0, 2.0, 4.0]
    assert latency(rounds=[[1.0] * 31 + [33.0]] * 3).means() == [2.0] * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"numbers": [1, 2]},
        {"processes": [0, 0, 1, 1]},
        {"rounds": [[1.0]]},
        {"rounds": [], "numbers": [], "processes": []},
    ],
)
def test_each_round_needs_its_number_and_its_process(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="each round needs its number and its process"):
        latency(**changes)


@pytest.mark.parametrize("rounds", [[[1.0], [], [2.0]], [[], [], []]])
def test_a_round_without_samples_is_refused(rounds: list[list[float]]) -> None:
    with pytest.raises(ValidationError, match="each round needs a sample"):
        latency(rounds=rounds)


@pytest.mark.parametrize("numbers", [[1, 1, 2], [3, 1, 3]])
def test_no_two_rounds_have_the_same_number(numbers: list[int]) -> None:
    with pytest.raises(ValidationError, match="two rounds have the same number"):
        latency(numbers=numbers)


@pytest.mark.parametrize("marked", ["disturbed", "throttled"])
@pytest.mark.parametrize("indices", [[3], [-1], [0, 7], [1, 1], [0, 2, 0]])
def test_marked_rounds_are_given_by_distinct_indices(marked: str, indices: list[int]) -> None:
    with pytest.raises(ValidationError, match=rf"{marked}: expected indices of 3 rounds, each once, not \["):
        latency(**{marked: indices})


@pytest.mark.parametrize("indices", [None, [], [2, 0], [0, 1, 2]])
def test_any_rounds_may_be_marked(indices: list[int] | None) -> None:
    assert latency(disturbed=indices, throttled=indices).disturbed == indices


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("estimate", 0.0), ("low", 0.0), ("low", -1.0), ("calls_per_sample", 0), ("off_cpu", -1), ("stopped", "tired")],
)
def test_impossible_values_are_refused(field: str, wrong: object) -> None:
    with pytest.raises(ValidationError, match=field):
        latency(**{field: wrong})


def test_a_latency_is_the_same_after_storing() -> None:
    stored = latency(disturbed=[1], throttled=[], off_cpu=2)
    assert Latency.model_validate_json(stored.model_dump_json()) == stored


def test_fields_of_a_later_release_are_ignored() -> None:
    """They may be in any part of the record."""
    record = Record(
        workload="conv",
        implementation="mine",
        case="",
        target="edge",
        machine="0123456789ab",
        parameters={},
        status=Status.PASSED,
        session="one",
        started=datetime(2026, 11, 23, tzinfo=UTC),
        work=Work(macs=1, least_bytes=1, parameters=1),
        check=Check(passed=True),
        latency=latency(),
        memory=Memory(peak_bytes=1, prepared_bytes=1),
    )
    stored = record.model_dump(mode="json")
    parts = [stored, *(stored[name] for name in ("work", "check", "latency", "memory"))]
    for part in parts:
        part["later_field"] = {"any": ["thing"]}
    assert Record.model_validate(stored) == record
    assert "later_field" not in Record.model_validate(stored).model_dump_json()


@pytest.mark.parametrize(
    ("disturbed", "kept"),
    [(None, [0, 1, 2]), ([], [0, 1, 2]), ([1], [0, 2]), ([0, 1], [0, 1, 2]), ([0, 1, 2], [0, 1, 2])],
)
def test_disturbed_rounds_are_left_out_if_they_are_a_minority(disturbed: list[int] | None, kept: list[int]) -> None:
    assert latency(disturbed=disturbed).undisturbed == kept


@pytest.mark.parametrize(
    ("count", "disturbed", "kept"),
    [(4, [0, 3], 4), (4, [3], 3), (5, [0, 3], 3), (1, [0], 1), (0, [], 0)],
)
def test_half_of_the_rounds_is_no_minority(count: int, disturbed: list[int], kept: int) -> None:
    assert len(undisturbed(count, disturbed)) == kept
