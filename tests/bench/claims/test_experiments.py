"""Verdicts on claims about accuracies, from records of trainings with several seeds."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.claims.evaluate import evaluate
from bench.claims.model import ClaimsFile
from bench.claims.outcome import Outcome
from bench.claims.rule import ClaimVerdict
from bench.core.record import Check, Record
from bench.store import Run

Claims = Callable[..., ClaimsFile]
Trained = Callable[..., Record]
RunOf = Callable[..., Run]
SCOPE = '{ workload = "node_classification", suite = "multipath", case = ["dataset=cora", "recipe=plain"] }'
SEEDS = range(10)
ACCURACY = f"""
[[table]]
id = "accuracy"
title = "Accuracy"
where = "table 2"
columns = {{ "GCN" = "%", "ours" = "%" }}
rows = {{ "Cora" = [80.0, 90.0] }}

[[claim]]
id = "accuracy"
text = "The networks are this accurate."
where = "table 2"
kind = "accuracy"
published = {{ table = "accuracy" }}
quantifier = "each"
scope = {SCOPE}
measure = {{ quantity = "accuracy" }}
bind = {{ "GCN" = {{ impl = ["gcn3"] }}, "ours" = {{ impl = ["multipath_s"] }} }}
rule = {{ plus_minus = 2 }}
protocol = {{ distance = "proxy", differences = ["seeds: others"] }}
"""
BETTER = f"""
[[claim]]
id = "better"
text = "Ours is more accurate than the GCN."
where = "table 2"
kind = "order"
published = {{ unit = "points" }}
quantifier = "all"
scope = {SCOPE.replace(", case", ', impl = ["multipath_s"], case')}
measure = {{ quantity = "accuracy", baselines = ["gcn3"] }}
rule = {{ above = 0 }}
protocol = {{ distance = "proxy", differences = ["seeds: others"] }}
"""


def spread(accuracy: float, seed: int) -> float:
    return accuracy + 0.002 * (seed % 3 - 1)


def gained(gain: float, trained: Trained) -> list[Record]:
    """Return records of both networks, of which ours is more accurate by about ``gain`` for every seed."""
    gcn = [trained("gcn3", seed, spread(0.8, seed)) for seed in SEEDS]
    ours = [trained("multipath_s", seed, spread(0.8 + gain, seed + seed // 2)) for seed in SEEDS]
    return [*gcn, *ours]


def better(claims: Claims, run: Run) -> Outcome:
    (outcome,) = evaluate(claims(BETTER), [run])
    return outcome


def test_seeds_trained_on_several_kinds_of_machine_count_together(
    claims: Claims, trained: Trained, run_of: RunOf
) -> None:
    records = gained(0.05, trained)
    known = run_of(records[:5] + records[10:13])
    elsewhere = run_of(records[5:10] + records[13:], "elsewhere", cpu="Zzz 1", caches={"L1d": 32768})
    (outcome,) = evaluate(claims(BETTER), [known, elsewhere])
    assert (outcome.verdict, outcome.machine) == (ClaimVerdict.HOLDS, None)
    assert outcome.evidence.runs == ["elsewhere", "run"]
    assert len(outcome.evidence.records) == 20


def test_published_cells_are_matched_with_records(claims: Claims, trained: Trained, run_of: RunOf) -> None:
    run = run_of([trained("gcn3", seed, spread(0.8, seed)) for seed in SEEDS])
    gcn, ours = evaluate(claims(ACCURACY), [run])
    assert (gcn.published[0].name, gcn.verdict) == ("Cora, GCN", ClaimVerdict.HOLDS)
    assert gcn.measured is not None
    assert gcn.measured.estimate == pytest.approx(79.98)
    assert len(gcn.evidence.records) == 10
    assert (ours.published[0].name, ours.verdict) == ("Cora, ours", ClaimVerdict.INSUFFICIENT_DATA)
    assert ours.reason == "not measured"


def test_a_seed_that_failed_does_not_vanish(
    claims: Claims, trained: Trained, run_of: RunOf, crash: dict[str, Any]
) -> None:
    records = [trained("gcn3", seed, spread(0.8, seed)) for seed in SEEDS[:7]]
    gcn, _ = evaluate(claims(ACCURACY), [run_of([*records, trained("gcn3", 7, 0.8, **crash)])])
    assert (gcn.verdict, gcn.measured) == (ClaimVerdict.INSUFFICIENT_DATA, None)
    assert gcn.reason == "7 of 10 seeds have a value; gcn3: crashed: signal 11"


def test_one_seed_gives_no_interval(claims: Claims, trained: Trained, run_of: RunOf) -> None:
    """Suite first has a single seed."""
    scope = '{ workload = "node_classification", suite = "first" }'
    (gcn, _) = evaluate(claims(ACCURACY, scope=scope), [run_of([trained("gcn3", 0, 0.8, case="")])])
    assert (gcn.verdict, gcn.measured) == (ClaimVerdict.INSUFFICIENT_DATA, None)
    assert gcn.reason == "1 seed, and an interval takes 3 or more"


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [(0.01, ClaimVerdict.HOLDS), (0.0, ClaimVerdict.INCONCLUSIVE), (-0.01, ClaimVerdict.DIFFERS)],
)
def test_a_difference_is_taken_seed_by_seed(
    claims: Claims, trained: Trained, run_of: RunOf, gain: float, verdict: ClaimVerdict
) -> None:
    outcome = better(claims, run_of(gained(gain, trained)))
    assert outcome.verdict is verdict
    assert outcome.measured is not None
    assert outcome.measured.confidence == 0.95


def test_equal_accuracies_are_not_more_accurate(claims: Claims, trained: Trained, run_of: RunOf) -> None:
    equal = [trained(name, seed, 0.8) for name in ("gcn3", "multipath_s") for seed in SEEDS]
    assert better(claims, run_of(equal)).verdict is ClaimVerdict.DIFFERS


def test_a_cell_of_a_table_may_be_left_out_with_a_reason(claims: Claims, trained: Trained, run_of: RunOf) -> None:
    bind = '{ "GCN" = { impl = ["gcn3"] }, "Cora, ours" = { not_attempted = "Its log is of another graph." } }'
    for runs in ([], [run_of([trained("gcn3", 0, 0.8)])]):
        by_name = {outcome.published[0].name: outcome for outcome in evaluate(claims(ACCURACY, bind=bind), runs)}
        assert by_name["Cora, GCN"].verdict is ClaimVerdict.INSUFFICIENT_DATA
        ours = by_name["Cora, ours"]
        assert (ours.verdict, ours.reason) == (ClaimVerdict.NOT_ATTEMPTED, "Its log is of another graph.")


def test_cells_that_were_left_out_let_nothing_hold_for_all(claims: Claims, trained: Trained, run_of: RunOf) -> None:
    bind = '{ "GCN" = { impl = ["gcn3"] }, "Cora, ours" = { not_attempted = "Its log is of another graph." } }'
    run = run_of([trained("gcn3", seed, spread(0.8, seed)) for seed in SEEDS])
    (outcome,) = evaluate(claims(ACCURACY, bind=bind, quantifier='"all"'), [run])
    assert outcome.verdict is ClaimVerdict.INSUFFICIENT_DATA
    assert "Its log is of another graph." in outcome.reason


def test_a_metric_is_compared_in_the_unit_of_the_claim(claims: Claims, trained: Trained, run_of: RunOf) -> None:
    """Records hold ``epoch_s`` in seconds, and the claim is in milliseconds."""
    text = BETTER.replace('"order"', '"value"').replace('{ unit = "points" }', '{ value = 20, unit = "ms" }')
    text = text.replace('"accuracy", baselines = ["gcn3"]', '"epoch_s"').replace("above = 0", 'within = "10%"')
    times = [Check(passed=True, metrics={"epoch_s": 0.020 + 0.0001 * (seed % 3)}) for seed in SEEDS]
    run = run_of([trained("multipath_s", seed, 0.8, check=check) for seed, check in zip(SEEDS, times, strict=True)])
    (outcome,) = evaluate(claims(text), [run])
    assert outcome.measured is not None
    assert outcome.measured.estimate == pytest.approx(20.09)
    assert outcome.verdict is ClaimVerdict.HOLDS


STEP = (
    BETTER.replace('"order"', '"trend"')
    .replace('"dataset=cora", ', "")
    .replace('"multipath_s"', '"gcn3"')
    .replace('baselines = ["gcn3"]', 'sweep = "dataset"')
    .replace("above = 0", "below = 0")
)
"""The claim that Citeseer, which comes next in the suite, is the harder dataset."""


@pytest.mark.parametrize(
    ("citeseer", "verdict"),
    [(0.7, ClaimVerdict.HOLDS), (0.8, ClaimVerdict.INCONCLUSIVE), (0.9, ClaimVerdict.DIFFERS)],
)
def test_a_step_is_the_difference_between_two_values_of_a_parameter(
    claims: Claims, trained: Trained, run_of: RunOf, citeseer: float, verdict: ClaimVerdict
) -> None:
    on_cora = [trained("gcn3", seed, spread(0.8, seed + seed // 2)) for seed in SEEDS]
    on_citeseer = [
        record.model_copy(update={"case": record.case.replace("cora", "citeseer"), "check": accurate.check})
        for record, accurate in zip(
            on_cora, (trained("gcn3", seed, spread(citeseer, seed)) for seed in SEEDS), strict=True
        )
    ]
    records = [*on_cora, *on_citeseer]
    (outcome,) = evaluate(claims(STEP), [run_of(records)])
    assert (outcome.verdict, outcome.cells) == (verdict, 1)
    assert outcome.measured is not None
    assert outcome.measured.estimate == pytest.approx(100 * (citeseer - 0.8), abs=0.2)
    (outcome,) = evaluate(claims(STEP), [run_of(records[:-1], "fewer")])
    assert outcome.verdict is ClaimVerdict.INSUFFICIENT_DATA
    assert outcome.reason.endswith("gcn3, split=public, dataset cora to citeseer: 9 of 10 seeds have a value")
