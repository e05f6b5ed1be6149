"""Verdicts on claims about times, accuracies and counts, from records made by hand."""

from collections.abc import Callable

import pytest

from bench.claims.cells import Counts, Total
from bench.claims.evaluate import Outcome, evaluate
from bench.claims.model import ClaimsFile
from bench.claims.rule import Verdict
from bench.core.errors import UsageError
from bench.core.record import Record, Status
from bench.store import Run

Claims = Callable[..., ClaimsFile]
Timed = Callable[..., Record]
RunOf = Callable[..., Run]


def single(claims: ClaimsFile, *runs: Run, counts: Counts | None = None) -> Outcome:
    (outcome,) = evaluate(claims, runs, counts)
    return outcome


def times(timed: Timed, by_groups: dict[int, tuple[float, float]]) -> list[Record]:
    """Return records of native and pytorch for each number of groups."""
    return [
        timed(name, groups, time)
        for groups, pair in by_groups.items()
        for name, time in zip(("native", "pytorch"), pair, strict=True)
    ]


@pytest.mark.parametrize(
    ("pytorch", "verdict"),
    [(200.0, Verdict.HOLDS), (300.0, Verdict.HOLDS_STRONGER), (150.0, Verdict.DIFFERS), (180.05, Verdict.INCONCLUSIVE)],
)
def test_a_speedup_is_judged_by_its_interval(
    claims: Claims, timed: Timed, run_of: RunOf, pytorch: float, verdict: Verdict
) -> None:
    noisy = [pytorch * (1 + 0.004 * (-1) ** i * (1 + i // 5)) for i in range(20)]
    records = [timed("native", 8, 100.0), timed("pytorch", 8, noisy)]
    scope = '{ workload = "grouped_conv2d", suite = "quick", impl = ["native"], case = ["groups=8"] }'
    outcome = single(claims(scope=scope), run_of(records))
    assert outcome.verdict is verdict
    assert (outcome.covered, outcome.cells) == (1, 1)


def test_only_an_exact_protocol_lets_a_claim_fail(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    run = run_of(times(timed, {8: (100, 120), 16: (100, 120)}))
    assert single(claims(), run).verdict is Verdict.DIFFERS
    assert single(claims(protocol='{ distance = "unknown" }'), run).verdict is Verdict.DIFFERS
    assert single(claims(protocol='{ distance = "exact" }'), run).verdict is Verdict.FAILS


def test_no_record_is_never_a_pass(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    for quantifier in ("all", "any", "each", "geometric_mean"):
        described = claims(quantifier=f'"{quantifier}"')
        for run in (run_of([], f"empty-{quantifier}"), run_of([timed("im2col", 8, 1.0)], f"others-{quantifier}")):
            outcome = single(described, run)
            assert outcome.verdict is Verdict.INSUFFICIENT_DATA
            assert outcome.reason == "no record matches its scope"
            assert outcome.evidence.records == ()


@pytest.mark.parametrize(
    ("quantifier", "second", "verdict"),
    [
        ("all", 200, Verdict.HOLDS),
        ("all", 120, Verdict.DIFFERS),
        ("any", 120, Verdict.HOLDS),
        ("geometric_mean", 200, Verdict.HOLDS),
        ("geometric_mean", 120, Verdict.DIFFERS),
    ],
)
def test_quantifiers_over_two_cells(
    claims: Claims, timed: Timed, run_of: RunOf, quantifier: str, second: float, verdict: Verdict
) -> None:
    run = run_of(times(timed, {8: (100, 200), 16: (100, second)}))
    outcome = single(claims(quantifier=f'"{quantifier}"'), run)
    assert outcome.verdict is verdict
    assert (outcome.covered, outcome.cells) == (2, 2)
    assert {ref.key.implementation for ref in outcome.evidence.records} == {"native", "pytorch"}
    assert len(outcome.evidence.records) == 4


def test_any_differs_only_where_every_cell_does(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    run = run_of(times(timed, {8: (100, 120), 16: (100, 120)}))
    assert single(claims(quantifier='"any"'), run).verdict is Verdict.DIFFERS


def test_each_gives_every_cell_its_verdict(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    run = run_of(times(timed, {8: (100, 200), 16: (100, 120)}))
    outcomes = evaluate(claims(quantifier='"each"'), [run])
    assert [outcome.verdict for outcome in outcomes] == [Verdict.HOLDS, Verdict.DIFFERS]
    assert len({outcome.name for outcome in outcomes}) == 2
    assert all("native" in outcome.label for outcome in outcomes)


def test_intervals_are_widened_for_the_number_of_cells(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    """Alone a cell is decided that is not among two, as the interval of each is then wider."""
    noise = [100 * (1 + 0.02 * (-1) ** i * (1 + i // 5)) for i in range(20)]
    ours = [timed("native", groups, 100.0) for groups in (8, 16)]
    theirs = [timed("pytorch", groups, [1.905 * time for time in noise]) for groups in (8, 16)]
    run = run_of([*ours, *theirs])
    alone = '{ workload = "grouped_conv2d", suite = "quick", impl = ["native"], case = ["groups=8"] }'
    (each, _) = evaluate(claims(quantifier='"each"'), [run])
    assert each.measured is not None
    rule = f"{{ at_least = {each.measured.low - 1e-6:.9f} }}"
    assert single(claims(scope=alone, rule=rule), run).verdict is Verdict.HOLDS
    assert single(claims(rule=rule), run).verdict is Verdict.INCONCLUSIVE


def test_all_does_not_hold_with_a_cell_missing(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    records = times(timed, {8: (100, 200), 16: (100, 200)})
    failure = {"status": Status.CRASHED, "reason": "signal 11", "latency": None, "memory": None, "check": None}
    outcome = single(claims(), run_of([*records[:3], timed("pytorch", 16, 1.0, **failure)]))
    assert outcome.verdict is Verdict.INSUFFICIENT_DATA
    assert (outcome.covered, outcome.cells) == (1, 2)


def test_cells_without_support_are_counted_and_left_out(
    claims: Claims, timed: Timed, unsupported: Callable[..., Record], run_of: RunOf
) -> None:
    records = [timed("native", 8, 100.0), timed("pytorch", 8, 200.0), timed("pytorch", 16, 200.0)]
    outcome = single(claims(), run_of([*records, unsupported("native", 16)]))
    assert outcome.verdict is Verdict.HOLDS
    assert (outcome.covered, outcome.cells, outcome.inapplicable) == (1, 2, 1)
    nowhere = single(claims(), run_of([*records[1:], unsupported("native", 8), unsupported("native", 16)], "nowhere"))
    assert nowhere.verdict is Verdict.NOT_APPLICABLE


TREND = """
[[claim]]
id = "trend"
text = "The more groups, the less time."
where = "section 5"
kind = "trend"
published = { unit = "x" }
quantifier = "all"
scope = { workload = "grouped_conv2d", suite = "quick", impl = ["native"], case = ["cin=64"] }
measure = { quantity = "latency", along = "groups" }
rule = { at_most = 1 }
protocol = { distance = "proxy", differences = ["hardware: another"] }
"""


@pytest.mark.parametrize(("last", "verdict"), [(50.0, Verdict.HOLDS), (300.0, Verdict.DIFFERS)])
def test_a_trend_is_taken_step_by_step(
    claims: Claims, timed: Timed, run_of: RunOf, last: float, verdict: Verdict
) -> None:
    times_by_groups = {16: 100.0, 1: 400.0, 8: 200.0, 64: last}
    run = run_of([timed("native", groups, time) for groups, time in times_by_groups.items()])
    outcome = single(claims(TREND), run)
    assert outcome.verdict is verdict
    assert outcome.cells == 3


CROSSOVER = """
[[claim]]
id = "crossover"
text = "From 8 groups on, ours is faster."
where = "figure 3"
kind = "crossover"
published = { value = 8, unit = "groups" }
quantifier = "all"
scope = { workload = "grouped_conv2d", suite = "quick", impl = ["native"], case = ["cin=64"] }
measure = { quantity = "speedup", against = ["pytorch"], along = "groups" }
rule = { at_least = 1, at_most = 8 }
protocol = { distance = "proxy", differences = ["hardware: another"] }
"""


@pytest.mark.parametrize(
    ("speedups", "ends", "verdict"),
    [
        ({1: 0.5, 8: 1.5, 16: 2, 64: 3}, (1, 8), Verdict.HOLDS),
        ({1: 0.5, 8: 0.8, 16: 2, 64: 3}, (8, 16), Verdict.INCONCLUSIVE),
        ({1: 0.5, 8: 0.8, 16: 0.7, 64: 3}, (16, 64), Verdict.DIFFERS),
        ({1: 0.5, 8: 0.8, 16: 0.7, 64: 0.9}, None, Verdict.INSUFFICIENT_DATA),
    ],
)
def test_a_crossover_lies_between_two_values(
    claims: Claims,
    timed: Timed,
    run_of: RunOf,
    speedups: dict[int, float],
    ends: tuple[float, float] | None,
    verdict: Verdict,
) -> None:
    run = run_of(times(timed, {groups: (100, 100 * speedup) for groups, speedup in speedups.items()}))
    assert single(claims(CROSSOVER), run).verdict is verdict
    (each,) = evaluate(claims(CROSSOVER, quantifier='"each"'), [run])
    assert each.measured is not None
    if ends:
        assert (each.measured.low, each.measured.high) == ends


ACCURACY = """
[[table]]
id = "accuracy"
title = "Accuracy"
where = "table 2"
columns = { "GCN" = "%", "ours" = "%" }
rows = { "karate" = [80.0, 90.0] }

[[claim]]
id = "accuracy"
text = "The networks are this accurate."
where = "table 2"
kind = "accuracy"
published = { table = "accuracy" }
quantifier = "each"
scope = { workload = "node_classification", suite = "first" }
measure = { quantity = "accuracy" }
bind = { "GCN" = { impl = ["gcn3"] }, "ours" = { impl = ["multipath_s"] } }
rule = { plus_minus = 2 }
protocol = { distance = "proxy", differences = ["seeds: others"] }
"""


def test_published_cells_are_matched_with_records(
    claims: Claims, trained: Callable[..., Record], run_of: RunOf
) -> None:
    """Suite first has seed 0 alone, of which no interval follows."""
    run = run_of([trained("gcn3", 0, 0.8)])
    gcn, ours = evaluate(claims(ACCURACY), [run])
    assert (gcn.published[0].place, gcn.verdict) == ("karate, GCN", Verdict.INSUFFICIENT_DATA)
    assert gcn.measured is not None
    assert gcn.measured.estimate == pytest.approx(80.0)
    assert len(gcn.evidence.records) == 1
    assert (ours.published[0].place, ours.verdict) == ("karate, ours", Verdict.INSUFFICIENT_DATA)
    assert "no record matches node_classification --suite first --target edge --impl multipath_s" in ours.reason


COUNT = """
[[claim]]
id = "count"
text = "Groups divide the parameters."
where = "section 2"
kind = "count"
published = { value = 4.608, unit = "K parameters" }
quantifier = "all"
scope = { workload = "grouped_conv2d", suite = "quick", case = ["groups=8"] }
measure = { quantity = "parameters" }
rule = { within = "1%" }
protocol = { distance = "exact" }
"""


def test_counts_need_no_record(claims: Claims) -> None:
    assert single(claims(COUNT)).verdict is Verdict.HOLDS
    wrong = single(claims(COUNT, published='{ value = 36.9, unit = "K parameters" }'))
    assert wrong.verdict is Verdict.FAILS
    assert wrong.evidence.records == ()


def test_a_claim_that_was_not_attempted_says_why(claims: Claims) -> None:
    text = """
[[claim]]
id = "later"
text = "It is accurate."
where = "abstract"
kind = "accuracy"
published = { value = 30, unit = "%" }
not_attempted = "Networks come later."
"""
    outcome = single(claims(text))
    assert (outcome.verdict, outcome.reason) == (Verdict.NOT_ATTEMPTED, "Networks come later.")


def test_an_expected_verdict_tells_when_it_is_reached_no_longer(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    expected = claims(expected='{ verdict = "differs", reason = "PyTorch has become faster" }')
    as_expected = single(expected, run_of(times(timed, {8: (100, 120), 16: (100, 120)})))
    assert (as_expected.verdict, as_expected.surprise) == (Verdict.DIFFERS, "")
    surprising = single(expected, run_of(times(timed, {8: (100, 200), 16: (100, 200)}), "faster"))
    assert surprising.verdict is Verdict.HOLDS
    assert "the verdict differs was expected (PyTorch has become faster), and it is holds" in surprising.surprise


def test_a_total_needs_no_case(claims: Claims) -> None:
    text = """
[[claim]]
id = "total"
text = "Every network has fewer parameters."
where = "abstract"
kind = "count"
published = { unit = "x" }
quantifier = "all"
measure = { quantity = "fraction" }
rule = { at_most = 1 }
protocol = { distance = "exact" }
"""
    counts = {"fraction": Total("x", lambda: {"small": 0.5, "large": 0.9})}
    outcome = single(claims(text, counts), counts=counts)
    assert (outcome.verdict, outcome.cells) == (Verdict.HOLDS, 2)
    larger = {"fraction": Total("x", lambda: {"small": 0.5, "large": 1.1})}
    failed = single(claims(text, larger), counts=larger)
    assert failed.verdict is Verdict.FAILS
    assert failed.reason.endswith("the first that does not: large")
    with pytest.raises(UsageError, match="no count 'fraction'; choose from none: the recipe defines no totals"):
        claims(text)


def test_a_cell_of_a_table_may_be_left_out_with_a_reason(claims: Claims) -> None:
    bind = '{ "GCN" = { impl = ["gcn3"] }, "karate, ours" = { not_attempted = "Its log is of another graph." } }'
    gcn, ours = evaluate(claims(ACCURACY, bind=bind), [])
    assert gcn.verdict is Verdict.INSUFFICIENT_DATA
    assert (ours.verdict, ours.reason) == (Verdict.NOT_ATTEMPTED, "Its log is of another graph.")
