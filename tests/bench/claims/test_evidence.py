"""Evidence: the keys of all records behind a verdict, and which input changed since it was stored."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bench.claims.counts import Total
from bench.claims.evaluate import evaluate
from bench.claims.model import ClaimsFile
from bench.claims.outcome import Outcome
from bench.claims.rule import ClaimVerdict
from bench.claims.stored import read_verdicts, stale_lines, store_verdicts
from bench.core.errors import UsageError
from bench.core.record import Record
from bench.store import Run

Claims = Callable[..., ClaimsFile]
RunOf = Callable[..., Run]


@pytest.fixture
def records(timed: Callable[..., Record]) -> list[Record]:
    return [timed(name, groups, time) for groups in (8, 16) for name, time in (("native", 100.0), ("pytorch", 200.0))]


@pytest.fixture
def stored(claims: Claims, records: list[Record], run_of: RunOf, tmp_path: Path) -> Path:
    """A file with the verdict on the example."""
    path = tmp_path / "verdicts.json"
    store_verdicts(path, evaluate(claims(), [run_of(records)]))
    return path


def stale(path: Path, outcomes: list[Outcome]) -> list[str]:
    stored = read_verdicts(path)
    assert stored is not None
    return list(stale_lines(stored, outcomes))


def name_of(outcomes: list[Outcome]) -> str:
    (outcome,) = outcomes
    return outcome.name


def test_every_record_behind_a_mean_is_named(claims: Claims, records: list[Record], run_of: RunOf) -> None:
    (outcome,) = evaluate(claims(quantifier='"geometric_mean"'), [run_of(records)])
    assert {ref.key for ref in outcome.evidence.records} == {record.key for record in records}
    assert outcome.evidence.runs == ["run"]
    assert len({ref.digest for ref in outcome.evidence.records}) == 4


def test_a_stored_verdict_from_the_same_inputs_is_not_stale(claims: Claims, stored: Path, tmp_path: Path) -> None:
    assert stale(stored, evaluate(claims(), [Run.open(tmp_path / "run")])) == []


def test_a_changed_record_is_named_as_the_cause(
    claims: Claims, timed: Callable[..., Record], stored: Path, tmp_path: Path
) -> None:
    run = Run.open(tmp_path / "run")
    run.append([timed("pytorch", 16, 120.0)])
    outcomes = evaluate(claims(), [run])
    (line,) = stale(stored, outcomes)
    assert line == (
        f"{name_of(outcomes)}: the stored verdict (holds) is stale: its records changed "
        "(run: pytorch, cin=64,cout=64,h=56,w=56,groups=16 (grouped_conv2d, edge)); now differs"
    )


def test_a_changed_rule_is_named_as_the_cause(claims: Claims, stored: Path, tmp_path: Path) -> None:
    outcomes = evaluate(claims(rule='{ within = "20%" }'), [Run.open(tmp_path / "run")])
    (line,) = stale(stored, outcomes)
    name = name_of(outcomes)
    assert line == f"{name}: the stored verdict (holds) is stale: its text, scope or rule changed; now the same"


def test_a_changed_machine_is_named_as_the_cause(claims: Claims, stored: Path, tmp_path: Path) -> None:
    path = tmp_path / "run" / "run.json"
    info = json.loads(path.read_text())
    for machine in info["machines"].values():
        machine["environment"]["python"] = "3.0.0"
    path.write_text(json.dumps(info))
    (line,) = stale(stored, evaluate(claims(), [Run.open(tmp_path / "run")]))
    assert "the description of the machines of its runs changed" in line


COUNT = """
[[claim]]
id = "total"
text = "A network has half of the parameters."
where = "abstract"
kind = "count"
published = { unit = "x" }
quantifier = "all"
measure = { quantity = "fraction" }
rule = { below = 1 }
protocol = { distance = "exact" }
"""


def test_a_changed_count_is_named_as_the_cause(claims: Claims, tmp_path: Path) -> None:
    """It has no record whose digest could change."""
    path = tmp_path / "verdicts.json"
    then, now = ({"fraction": Total("x", partial(dict, small=value))} for value in (0.5, 0.6))
    store_verdicts(path, evaluate(claims(COUNT, then), [], then))
    assert stale(path, evaluate(claims(COUNT, then), [], then)) == []
    assert stale(path, evaluate(claims(COUNT, now), [], now)) == [
        "total: the stored verdict (holds) is stale: what is computed from them changed; now the same"
    ]


def test_an_error_is_no_verdict_to_store(claims: Claims, tmp_path: Path) -> None:
    def broken() -> dict[str, float]:
        raise ValueError("no such network")

    counts = {"fraction": Total("x", broken)}
    outcomes = evaluate(claims(COUNT, counts), [], counts)
    assert [outcome.verdict for outcome in outcomes] == [ClaimVerdict.ERROR]
    with pytest.raises(UsageError, match="total could not be evaluated"):
        store_verdicts(tmp_path / "verdicts.json", outcomes)
    assert not (tmp_path / "verdicts.json").exists()


def test_claims_that_come_and_go_are_told(claims: Claims, stored: Path, tmp_path: Path) -> None:
    renamed = evaluate(claims(id='"quicker"'), [Run.open(tmp_path / "run")])
    machine = name_of(renamed).removeprefix("quicker")
    assert stale(stored, renamed) == [
        f"quicker{machine}: no verdict is stored; now it is holds",
        f"faster{machine}: a verdict is stored, but there is no such claim or cell any more",
    ]


def test_a_file_that_holds_no_verdicts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    assert read_verdicts(path) is None
    path.write_text("[]")
    with pytest.raises(UsageError, match="holds no verdicts"):
        read_verdicts(path)
