"""Verdicts on claims about times and counts, from records made by hand."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bench.claims.counts import Counts, Total
from bench.claims.evaluate import evaluate
from bench.claims.model import ClaimsFile
from bench.claims.outcome import Outcome
from bench.claims.rule import ClaimVerdict
from bench.core.errors import UsageError
from bench.core.record import Record
from bench.report.compare import NOT_TOGETHER, ONE_PROCESS
from bench.store import Run

Claims = Callable[..., ClaimsFile]
Timed = Callable[..., Record]
RunOf = Callable[..., Run]
SCOPE = '{ workload = "grouped_conv2d", suite = "quick", impl = ["native"], case = ["groups=8", "cin=64"] }'
"""One case."""


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
    [
        (200.0, ClaimVerdict.HOLDS),
        (300.0, ClaimVerdict.HOLDS_STRONGER),
        (150.0, ClaimVerdict.DIFFERS),
        (180.05, ClaimVerdict.INCONCLUSIVE),
    ],
)
def test_a_speedup_is_judged_by_its_interval(
    claims: Claims, timed: Timed, run_of: RunOf, pytorch: float, verdict: ClaimVerdict
) -> None:
    noisy = [pytorch * (1 + 0.004 * (-1) ** i * (1 + i // 5)) for i in range(20)]
    outcome = single(claims(scope=SCOPE), run_of([timed("native", 8, 100.0), timed("pytorch", 8, noisy)]))
    assert outcome.verdict is verdict
    assert (outcome.covered, outcome.cells) == (1, 1)


def test_only_an_exact_protocol_lets_a_claim_fail(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    run = run_of(times(timed, {8: (100, 120), 16: (100, 120)}))
    assert single(claims(), run).verdict is ClaimVerdict.DIFFERS
    assert single(claims(protocol='{ distance = "unknown" }'), run).verdict is ClaimVerdict.DIFFERS
    assert single(claims(protocol='{ distance = "exact" }'), run).verdict is ClaimVerdict.FAILS


def test_no_record_is_never_a_pass(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    for quantifier in ("all", "any", "each", "geometric_mean"):
        described = claims(quantifier=f'"{quantifier}"')
        for run in (run_of([], f"empty-{quantifier}"), run_of([timed("im2col", 8, 1.0)], f"others-{quantifier}")):
            outcome = single(described, run)
            assert outcome.verdict is ClaimVerdict.INSUFFICIENT_DATA
            assert outcome.reason == "no record matches its scope"
            assert outcome.evidence.records == ()


@pytest.mark.parametrize(
    ("quantifier", "second", "verdict"),
    [
        ("all", 200, ClaimVerdict.HOLDS),
        ("all", 120, ClaimVerdict.DIFFERS),
        ("any", 120, ClaimVerdict.HOLDS),
        ("geometric_mean", 200, ClaimVerdict.HOLDS),
        ("geometric_mean", 120, ClaimVerdict.DIFFERS),
    ],
)
def test_quantifiers_over_two_cells(
    claims: Claims, timed: Timed, run_of: RunOf, quantifier: str, second: float, verdict: ClaimVerdict
) -> None:
    run = run_of(times(timed, {8: (100, 200), 16: (100, second)}))
    outcome = single(claims(quantifier=f'"{quantifier}"'), run)
    assert outcome.verdict is verdict
    assert (outcome.covered, outcome.cells) == (2, 2)
    assert {ref.key.implementation for ref in outcome.evidence.records} == {"native", "pytorch"}
    assert len(outcome.evidence.records) == 4


def test_any_differs_only_where_every_cell_does(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    run = run_of(times(timed, {8: (100, 120), 16: (100, 120)}))
    assert single(claims(quantifier='"any"'), run).verdict is ClaimVerdict.DIFFERS


@pytest.mark.parametrize("quantifier", ["all", "geometric_mean"])
def test_a_run_that_stopped_early_is_no_evidence_for_all_cases(
    claims: Claims, timed: Timed, run_of: RunOf, quantifier: str
) -> None:
    """The scope has two cases, and one of them was never measured."""
    outcome = single(claims(quantifier=f'"{quantifier}"'), run_of(times(timed, {8: (100, 200)})))
    assert outcome.verdict is ClaimVerdict.INSUFFICIENT_DATA
    assert outcome.reason.endswith(
        "1 without an interval; the first: native over pytorch, cin=64,cout=64,h=56,w=56,groups=16: not measured"
    )
    assert (outcome.covered, outcome.cells) == (1, 2)


def test_what_was_not_measured_is_not_compared_with(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    """The scope has two baselines, and the records those of one."""
    measure = '{ quantity = "speedup", baselines = ["pytorch", "tflite"] }'
    outcome = single(claims(measure=measure), run_of(times(timed, {8: (100, 200), 16: (100, 200)})))
    assert outcome.verdict is ClaimVerdict.INSUFFICIENT_DATA
    assert "no record of tflite" in outcome.reason
    assert (outcome.covered, outcome.cells) == (2, 4)


@pytest.mark.parametrize("quantifier", ["all", "geometric_mean"])
def test_a_crash_is_no_pass(
    claims: Claims, timed: Timed, run_of: RunOf, crash: dict[str, Any], quantifier: str
) -> None:
    records = times(timed, {8: (100, 200), 16: (100, 200)})
    run = run_of([*records[:3], timed("pytorch", 16, 1.0, **crash)])
    outcome = single(claims(quantifier=f'"{quantifier}"'), run)
    assert outcome.verdict is ClaimVerdict.INSUFFICIENT_DATA
    assert outcome.reason.endswith("pytorch: crashed: signal 11")
    assert (outcome.covered, outcome.cells) == (1, 2)


def test_each_gives_every_cell_its_verdict(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    run = run_of(times(timed, {8: (100, 200), 16: (100, 120)}))
    outcomes = evaluate(claims(quantifier='"each"'), [run])
    assert [outcome.verdict for outcome in outcomes] == [ClaimVerdict.HOLDS, ClaimVerdict.DIFFERS]
    assert len({outcome.name for outcome in outcomes}) == 2
    assert all("native" in outcome.label for outcome in outcomes)


@pytest.mark.parametrize("quantifier", ["all", "each"])
def test_intervals_are_corrected_for_the_number_of_cells(
    claims: Claims, timed: Timed, run_of: RunOf, quantifier: str
) -> None:
    """Alone a cell is decided that is not among two, as the interval of each is then wider."""
    noise = [100 * (1 + 0.02 * (-1) ** i * (1 + i // 5)) for i in range(20)]
    ours = [timed("native", groups, 100.0) for groups in (8, 16)]
    theirs = [timed("pytorch", groups, [1.905 * time for time in noise]) for groups in (8, 16)]
    run = run_of([*ours, *theirs])
    alone = single(claims(scope=SCOPE), run)
    assert alone.measured is not None
    assert alone.measured.confidence == pytest.approx(0.95)
    rule = f"{{ at_least = {alone.measured.low - 1e-6:.9f} }}"
    assert single(claims(scope=SCOPE, rule=rule), run).verdict is ClaimVerdict.HOLDS
    among_two = evaluate(claims(rule=rule, quantifier=f'"{quantifier}"'), [run])
    assert {outcome.verdict for outcome in among_two} == {ClaimVerdict.INCONCLUSIVE}
    assert all(outcome.measured.confidence == pytest.approx(0.975) for outcome in among_two if outcome.measured)


def test_cells_without_support_are_counted_and_left_out(
    claims: Claims, timed: Timed, unsupported: Callable[..., Record], run_of: RunOf
) -> None:
    records = [timed("native", 8, 100.0), timed("pytorch", 8, 200.0), timed("pytorch", 16, 200.0)]
    outcome = single(claims(), run_of([*records, unsupported("native", 16)]))
    assert outcome.verdict is ClaimVerdict.HOLDS
    assert (outcome.covered, outcome.cells, outcome.unsupported) == (1, 2, 1)
    nowhere = single(claims(), run_of([*records[1:], unsupported("native", 8), unsupported("native", 16)], "nowhere"))
    assert (nowhere.verdict, nowhere.reason) == (ClaimVerdict.UNSUPPORTED, "native: unsupported: no groups")


def test_a_case_without_support_is_left_out_even_where_the_baseline_crashed(
    claims: Claims,
    timed: Timed,
    unsupported: Callable[..., Record],
    run_of: RunOf,
    crash: dict[str, Any],
) -> None:
    records = [*times(timed, {8: (100, 200)}), timed("pytorch", 16, 1.0, **crash), unsupported("native", 16)]
    run = run_of(records)
    outcome = single(claims(), run)
    assert (outcome.verdict, outcome.unsupported) == (ClaimVerdict.HOLDS, 1)
    _, left_out = evaluate(claims(quantifier='"each"'), [run])
    assert (left_out.verdict, left_out.reason) == (ClaimVerdict.UNSUPPORTED, "native: unsupported: no groups")


def test_a_baseline_without_any_support_was_not_compared_with(
    claims: Claims, timed: Timed, unsupported: Callable[..., Record], run_of: RunOf
) -> None:
    """Such as where its package is not installed."""
    records = times(timed, {8: (100, 200), 16: (100, 200)})
    run = run_of([*records, unsupported("tflite", 8), unsupported("tflite", 16)])
    outcome = single(claims(measure='{ quantity = "speedup", baselines = ["pytorch", "tflite"] }'), run)
    assert outcome.verdict is ClaimVerdict.INSUFFICIENT_DATA
    assert "tflite: unsupported: no groups" in outcome.reason


def test_kinds_of_machine_are_judged_one_by_one(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    known = run_of(times(timed, {8: (100, 200), 16: (100, 200)}))
    elsewhere = run_of(times(timed, {8: (100, 120), 16: (100, 120)}), "elsewhere", cpu="Zzz 1", caches={"L1d": 32768})
    outcomes = evaluate(claims(), [known, elsewhere])
    assert [outcome.verdict for outcome in outcomes] == [ClaimVerdict.HOLDS, ClaimVerdict.DIFFERS]
    assert [outcome.cells for outcome in outcomes] == [2, 2]
    assert [outcome.evidence.runs for outcome in outcomes] == [["run"], ["elsewhere"]]
    assert len({outcome.name for outcome in outcomes}) == 2
    last = outcomes[1].machine
    assert last is not None
    assert last.name == "Zzz 1, 32 KiB L1d"


def test_the_newest_run_of_a_kind_of_machine_counts(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    later = {"started": datetime(2026, 12, 1, tzinfo=UTC)}
    old = run_of(times(timed, {8: (100, 200), 16: (100, 200)}))
    newest = [timed("native", 8, 100.0, **later), timed("pytorch", 8, 120.0, **later)]
    outcomes = evaluate(claims(quantifier='"each"'), [old, run_of(newest, "new")])
    assert [outcome.verdict for outcome in outcomes] == [ClaimVerdict.DIFFERS, ClaimVerdict.HOLDS]
    assert [outcome.evidence.runs for outcome in outcomes] == [["new"], ["run"]]


def test_a_speedup_is_that_of_a_single_run(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    later = {"started": datetime(2026, 12, 1, tzinfo=UTC)}
    old = run_of(times(timed, {8: (100, 200)}))
    half = run_of([timed("native", 8, 1.0, **later)], "half")
    assert single(claims(scope=SCOPE), old, half).evidence.runs == ["run"]
    apart = single(claims(scope=SCOPE), run_of([timed("pytorch", 8, 200.0)], "apart"), half)
    assert (apart.verdict, apart.covered) == (ClaimVerdict.INSUFFICIENT_DATA, 0)
    assert "no run has both" in apart.reason


def test_a_difference_within_the_margin_is_not_faster(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    """The machine of the run has no noise floor, so its margin is 2 %."""
    faster = {"kind": '"order"', "rule": "{ above = 1 }", "scope": SCOPE}
    run = run_of(times(timed, {8: (100, 101)}))
    outcome = single(claims(**faster), run)
    assert outcome.measured is not None
    assert outcome.measured.low > 1
    assert outcome.verdict is ClaimVerdict.INCONCLUSIVE
    assert single(claims(**faster), run_of(times(timed, {8: (100, 105)}), "more")).verdict is ClaimVerdict.HOLDS


def test_a_mean_within_the_margin_is_not_faster(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    faster = claims(kind='"order"', rule="{ above = 1 }", quantifier='"geometric_mean"')
    little, more = ({8: (100, 100 * speedup), 16: (100, 100 * speedup)} for speedup in (1.01, 1.05))
    assert single(faster, run_of(times(timed, little))).verdict is ClaimVerdict.INCONCLUSIVE
    assert single(faster, run_of(times(timed, more), "more")).verdict is ClaimVerdict.HOLDS


def test_cautions_stand_beside_the_verdict(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    records = times(timed, {8: (100, 200), 16: (100, 200)})
    alone = records[1].latency
    assert alone is not None
    one_process = alone.model_copy(update={"processes": [0] * len(alone.rounds)})
    changed = [records[0], records[1].model_copy(update={"latency": one_process}), *records[2:]]
    changed[3] = changed[3].model_copy(update={"session": "another"})
    outcome = single(claims(), run_of(changed))
    assert outcome.cautions == (f"1 of 2 cells: {ONE_PROCESS}", f"1 of 2 cells: {NOT_TOGETHER}")


TREND = """
[[claim]]
id = "trend"
text = "The more groups, the less time."
where = "section 5"
kind = "trend"
published = { unit = "x" }
quantifier = "all"
scope = { workload = "grouped_conv2d", suite = "quick", impl = ["native"], case = ["cin=64"] }
measure = { quantity = "latency", sweep = "groups" }
rule = { below = 1 }
protocol = { distance = "proxy", differences = ["hardware: another"] }
"""


@pytest.mark.parametrize(
    ("last", "verdict"),
    [(50.0, ClaimVerdict.HOLDS), (300.0, ClaimVerdict.DIFFERS), (None, ClaimVerdict.INSUFFICIENT_DATA)],
)
def test_a_trend_is_taken_step_by_step(
    claims: Claims, timed: Timed, run_of: RunOf, last: float | None, verdict: ClaimVerdict
) -> None:
    times_by_groups = {16: 100.0, 1: 400.0, 8: 200.0} | ({} if last is None else {64: last})
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
measure = { quantity = "speedup", baselines = ["pytorch"], sweep = "groups" }
rule = { at_most = 8 }
protocol = { distance = "proxy", differences = ["hardware: another"] }
"""
INFINITE = float("inf")


@pytest.mark.parametrize(
    ("speedups", "ends", "verdict"),
    [
        ({1: 0.5, 8: 1.5, 16: 2, 64: 3}, (1, 8), ClaimVerdict.HOLDS),
        ({1: 1.5, 8: 1.5, 16: 2, 64: 3}, (0, 1), ClaimVerdict.HOLDS),
        ({1: 0.5, 8: 1.0, 16: 2, 64: 3}, (1, 16), ClaimVerdict.INCONCLUSIVE),
        ({1: 0.5, 8: 0.8, 16: 0.7, 64: 3}, (16, 64), ClaimVerdict.DIFFERS),
        ({1: 0.5, 8: 0.8, 16: 0.7, 64: 0.9}, (64, INFINITE), ClaimVerdict.DIFFERS),
        ({1: 1.0, 8: 1.0, 16: 1.0, 64: 1.0}, (0, INFINITE), ClaimVerdict.INSUFFICIENT_DATA),
    ],
)
def test_a_crossover_lies_between_two_values(
    claims: Claims,
    timed: Timed,
    run_of: RunOf,
    speedups: dict[int, float],
    ends: tuple[float, float],
    verdict: ClaimVerdict,
) -> None:
    run = run_of(times(timed, {groups: (100, 100 * speedup) for groups, speedup in speedups.items()}))
    outcome = single(claims(CROSSOVER), run)
    assert outcome.verdict is verdict
    assert outcome.measured is not None
    assert (outcome.measured.low, outcome.measured.high) == ends


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
    assert single(claims(COUNT)).verdict is ClaimVerdict.HOLDS
    wrong = single(claims(COUNT, published='{ value = 36.9, unit = "K parameters" }'))
    assert wrong.verdict is ClaimVerdict.FAILS
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
    assert (outcome.verdict, outcome.reason) == (ClaimVerdict.NOT_ATTEMPTED, "Networks come later.")


def test_an_expected_verdict_tells_when_it_is_reached_no_longer(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    expected = claims(expected='{ verdict = "differs", reason = "PyTorch has become faster" }')
    as_expected = single(expected, run_of(times(timed, {8: (100, 120), 16: (100, 120)})))
    assert (as_expected.verdict, as_expected.surprise) == (ClaimVerdict.DIFFERS, "")
    surprising = single(expected, run_of(times(timed, {8: (100, 200), 16: (100, 200)}), "faster"))
    assert surprising.verdict is ClaimVerdict.HOLDS
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
rule = { below = 1 }
protocol = { distance = "exact" }
"""
    counts = {"fraction": Total("x", lambda: {"small": 0.5, "large": 0.9})}
    outcome = single(claims(text, counts), counts=counts)
    assert (outcome.verdict, outcome.cells) == (ClaimVerdict.HOLDS, 2)
    larger = {"fraction": Total("x", lambda: {"small": 0.5, "large": 1.1})}
    failed = single(claims(text, larger), counts=larger)
    assert failed.verdict is ClaimVerdict.FAILS
    assert failed.reason.endswith("the first that does not: large")
    with pytest.raises(UsageError, match="no count 'fraction'; choose from none: the recipe defines no totals"):
        claims(text)


@pytest.mark.parametrize("quantifier", ["all", "any"])
def test_cells_that_are_judged_together_are_kept_with_their_verdicts(
    claims: Claims, timed: Timed, run_of: RunOf, quantifier: str
) -> None:
    run = run_of(times(timed, {8: (100, 200), 16: (100, 120)}))
    outcome = single(
        claims(scope=SCOPE.replace('groups=8"', 'groups=8", "groups=16", "groups=64"'), quantifier=f'"{quantifier}"'),
        run,
    )
    first, second, third = outcome.judged
    assert [each.verdict for each in outcome.judged] == [
        ClaimVerdict.DIFFERS,
        ClaimVerdict.INSUFFICIENT_DATA,
        ClaimVerdict.HOLDS,
    ]
    assert first.label == "native over pytorch, cin=64,cout=64,h=56,w=56,groups=16"
    assert first.measured is not None
    assert first.measured.estimate == pytest.approx(1.2)
    assert {ref.key.implementation for ref in first.records} == {"native", "pytorch"}
    assert (second.measured, second.reason) == (None, "not measured")
    assert "groups=8" in third.label


def test_a_single_cell_and_a_mean_are_judged_as_a_whole(claims: Claims, timed: Timed, run_of: RunOf) -> None:
    run = run_of(times(timed, {8: (100, 200), 16: (100, 120)}))
    assert single(claims(scope=SCOPE), run).judged == ()
    assert single(claims(quantifier='"geometric_mean"'), run).judged == ()
