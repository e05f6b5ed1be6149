"""Ratios against a baseline, and against an older run."""

import math

import pytest

from bench.core.errors import BadUse
from bench.core.record import Status
from bench.report.compare import compare, compare_each, compare_runs, lost, slower_than
from bench.stats.verdict import Verdict

STEADY = [1000.0 + i % 7 for i in range(40)]
HALF = [value / 2 for value in STEADY]
TWICE = [value * 2 for value in STEADY]


def test_known_ratios(make_record, make_run):
    run = make_run([make_record("pytorch", STEADY), make_record("fast", HALF), make_record("slow", TWICE)])
    fast, slow = compare(run)
    assert fast.ratio is not None
    assert slow.ratio is not None
    assert fast.ratio.estimate == pytest.approx(0.5)
    assert slow.ratio.estimate == pytest.approx(2.0)
    assert (fast.verdict, slow.verdict) == (Verdict.FASTER, Verdict.SLOWER)
    assert (fast.against, fast.reason) == ("pytorch", "")


def test_another_baseline(make_record, make_run):
    rows = compare(make_run([make_record("pytorch", STEADY), make_record("fast", HALF)]), "fast")
    assert [(row.implementation, row.verdict) for row in rows] == [("pytorch", Verdict.SLOWER)]


def test_confidence_is_corrected_for_the_whole_table(make_record, make_run):
    cases = [{"groups": groups} for groups in (1, 2, 4, 8, 16)]
    records = [make_record(name, STEADY, parameters=case) for case in cases for name in ("pytorch", "other")]
    rows = compare(make_run(records))
    assert [row.ratio.confidence for row in rows if row.ratio] == [pytest.approx(1 - 0.05 / 5)] * 5


def test_only_ratios_count_for_the_correction(make_record, make_run):
    broken = make_record("broken", status=Status.CRASHED, reason="signal 11", check=None)
    rows = compare(make_run([make_record("pytorch", STEADY), make_record("fast", HALF), broken]))
    assert [row.ratio.confidence for row in rows if row.ratio] == [pytest.approx(0.95)]
    assert rows[1].reason == "crashed: signal 11"


def test_the_report_corrects_over_all_its_runs(make_record, make_run):
    records = [make_record("pytorch", STEADY), make_record("fast", HALF)]
    rows = compare_each([make_run(records, "a"), make_run(records, "b")])
    assert [row.ratio.confidence for row in rows if row.ratio] == [pytest.approx(0.975)] * 2


@pytest.mark.parametrize(("noise", "margin", "expected"), [(0.03, None, 0.03), (None, None, 0.02), (0.03, 0.1, 0.1)])
def test_margin(make_record, make_run, noise, margin, expected):
    near = [value * 1.05 for value in STEADY]
    run = make_run([make_record("pytorch", STEADY), make_record("near", near)], noise_floor=noise)
    (row,) = compare(run, margin=margin)
    assert row.margin == expected
    assert row.verdict == (Verdict.CANNOT_TELL if expected == 0.1 else Verdict.SLOWER)


def test_a_baseline_that_is_not_there_is_wrong_use(make_record, make_run):
    run = make_run([make_record("fast"), make_record("slow")])
    with pytest.raises(BadUse, match="nobody is not in run made; choose fast, slow"):
        compare(run, "nobody")
    with pytest.raises(BadUse, match="pytorch"):
        compare(run)
    assert all("no record of the baseline" in row.reason for row in compare_each([run]))


def test_only_what_passed_is_proposed_as_a_baseline(make_record, make_run):
    broken = make_record("broken", status=Status.CRASHED, reason="signal 11", check=None)
    with pytest.raises(BadUse, match=r"pytorch is not in run made; choose fast$"):
        compare(make_run([make_record("fast"), broken]))
    with pytest.raises(BadUse, match="pytorch is not in run none; nor has anything passed there"):
        compare(make_run([broken], "none"))


def test_an_unknown_workload_is_told_in_the_report(make_record, make_run):
    (row,) = compare_each([make_run([make_record(workload="gone")])])
    assert row.ratio is None
    assert "gone" in row.reason


def test_no_ratio_without_a_passed_baseline(make_record, make_run):
    wrong = make_record("pytorch", status=Status.INCORRECT, reason="error 0.3")
    elsewhere = make_record("pytorch", STEADY, parameters={"groups": 9})
    (row,) = compare(make_run([wrong, elsewhere, make_record("fast", HALF)]))
    assert (row.ratio, row.verdict, row.reason) == (None, None, "baseline pytorch: incorrect: error 0.3")


def test_no_ratio_of_unequal_rounds(make_record, make_run):
    (row,) = compare(make_run([make_record("pytorch", STEADY), make_record("short", HALF[:10])]))
    assert "10 rounds" in row.reason
    assert row.ratio is None


def test_a_ratio_between_sittings_is_unpaired_and_says_so(make_record, make_run):
    later = make_record("later", HALF[:20], sitting="two")
    (row,) = compare(make_run([make_record("pytorch", STEADY), later]))
    assert row.ratio is not None
    assert row.ratio.low <= 0.5 <= row.ratio.high
    assert "not in turns" in row.reason


def test_two_runs(make_record, make_run):
    old = make_run([make_record("pytorch", STEADY), make_record("gone")], "old", noise_floor=0.05)
    new = make_run([make_record("pytorch", HALF, sitting="two"), make_record("added")], "new")
    same, added = compare_runs(new, old)
    assert same.ratio is not None
    assert same.ratio.estimate == pytest.approx(0.5, rel=0.01)
    assert (same.verdict, same.against, same.margin, same.reason) == (Verdict.FASTER, "old", 0.05, "")
    assert added.reason == "not in run old"


def test_two_runs_on_different_machines_are_told_apart(make_record, make_run):
    old = make_run([make_record()], "old")
    other = old.info.environment.model_copy(update={"cpu": "another"})
    (row,) = compare_runs(make_run([make_record()], "new", environment=other), old)
    assert row.ratio is not None
    assert "environments" in row.reason


def test_two_runs_with_nothing_in_common(make_record, make_run):
    with pytest.raises(BadUse, match="share no implementation"):
        compare_runs(make_run([make_record("a")], "new"), make_run([make_record("b")], "old"))


def test_two_runs_of_different_targets(make_record, make_run):
    request = make_run([make_record()], "new").info.request.model_copy(update={"target": "cpu"})
    old = make_run([make_record(target="cpu")], "old", request=request)
    new = make_run([make_record()], "newer")
    with pytest.raises(BadUse, match="run newer is of target edge and run old of cpu; choose two of one target"):
        compare_runs(new, old)


def test_slower_than_asks_the_low_end_of_the_interval(make_record, make_run):
    slow = [value * (1.19 + 0.02 * (i % 3)) for i, value in enumerate(STEADY)]  # 1.19, 1.21 or 1.23 times
    rows = compare(make_run([make_record("pytorch", STEADY), make_record("slow", slow), make_record("fast", HALF)]))
    assert [row.implementation for row in slower_than(rows, 0.1)] == ["slow"]
    assert rows[0].ratio is not None
    assert rows[0].ratio.estimate > 1.2
    assert slower_than(rows, 0.2) == []


def test_what_passed_before_and_does_not_now_is_lost(make_record, make_run):
    old = make_run([make_record("pytorch"), make_record("mine")], "old")
    new = make_run([make_record("pytorch"), make_record("mine", status=Status.CRASHED, reason="died")], "new")
    assert [record.implementation for record in lost(new, old)] == ["mine"]
    assert lost(old, new) == []


def trained_apart(make_trained, ratios, dataset="cora"):
    """Of each seed a record of the baseline, and one that takes that share of its time."""
    pairs = [(seed, name, ratio) for seed, ratio in enumerate(ratios) for name in ("pytorch", "mine")]
    return [
        make_trained(
            *(name, seed, 0.8),
            dataset=dataset,
            rounds=[value * (ratio if name == "mine" else 1) for value in STEADY],
            sitting=f"{dataset} {seed}",
        )
        for seed, name, ratio in pairs
    ]


def test_repeats_are_compared_once_by_how_far_they_differ(make_trained, make_run):
    (row,) = compare(make_run(trained_apart(make_trained, [0.4, 0.5, 0.625])))
    assert (row.case, row.cases) == ("dataset=cora", tuple(f"dataset=cora,seed={seed}" for seed in range(3)))
    # logarithms' mean log 0.5, s log 1.25, t of 2 degrees 4.302653: reach 0.5543193
    assert row.ratio is not None
    assert (row.ratio.estimate, row.ratio.low, row.ratio.high) == pytest.approx((0.5, 0.2872316, 0.8703778), rel=1e-6)
    assert (row.ratio.confidence, row.verdict, row.reason) == (pytest.approx(0.95), Verdict.FASTER, "")


def test_the_correction_counts_experiments_not_their_repeats(make_trained, make_run):
    made = [trained_apart(make_trained, [0.4, 0.5, 0.625], dataset) for dataset in ("cora", "citeseer")]
    cora, citeseer = compare(make_run([*made[0], *made[1]]))
    assert (cora.case, citeseer.case) == ("dataset=cora", "dataset=citeseer")
    # t of two degrees is 6.205347 at 97.5 %, where 4.302653 is that of 95 %
    assert cora.ratio is not None
    assert cora.ratio.confidence == pytest.approx(0.975)
    reach = 6.205347 * math.log(1.25) / math.sqrt(3)
    assert (cora.ratio.low, cora.ratio.high) == pytest.approx((0.5 * math.exp(-reach), 0.5 * math.exp(reach)), rel=1e-5)


def test_only_the_seed_itself_makes_repeats(make_trained, make_run):
    made = [
        make_trained(name, seed, 0.8, parameters={"seed_of_split": split, "seed": seed}, sitting=f"{split} {seed}")
        for split in (1, 2)
        for seed in (1, 2)
        for name in ("pytorch", "mine")
    ]
    rows = compare(make_run(made))
    assert [(row.case, len(row.cases)) for row in rows] == [("seed_of_split=1", 2), ("seed_of_split=2", 2)]


def test_cases_of_an_operator_are_no_repeats_whatever_their_parameters_are(make_record, make_run):
    made = [
        make_record(name, STEADY, parameters={"None": n, "seed": n}) for n in (1, 2) for name in ("pytorch", "mine")
    ]
    assert [row.case for row in compare(make_run(made))] == ["None=1,seed=1", "None=2,seed=2"]


def test_a_single_repeat_is_a_case_of_its_own(make_trained, make_run):
    (row,) = compare(make_run(trained_apart(make_trained, [0.5])))
    assert (row.case, row.cases) == ("dataset=cora,seed=0", ("dataset=cora,seed=0",))
    assert row.ratio is not None
    assert (row.ratio.low, row.ratio.high) == pytest.approx((0.5, 0.5))  # of its rounds, all of which halve


def test_repeats_that_cannot_be_compared_are_told(make_trained, make_run):
    made = trained_apart(make_trained, [0.5, 0.5, 0.5, 0.5])
    died = make_trained("mine", 3, 0.8, status=Status.CRASHED, reason="signal 11", check=None)
    (row,) = compare(make_run([*made[:-1], died]))
    assert len(row.cases) == 3
    assert row.reason == "1 of 4 repeats: crashed: signal 11"
    (none,) = compare(make_run([made[6], died], "none"))
    assert (none.ratio, none.reason) == (None, "crashed: signal 11")


def test_two_runs_compare_repeats_once_too(make_trained, make_run):
    old = make_run(trained_apart(make_trained, [1.0, 1.0, 1.0]), "old")
    rows = compare_runs(make_run(trained_apart(make_trained, [0.5, 0.5, 0.5]), "new"), old)
    assert [(row.implementation, len(row.cases), row.verdict) for row in rows] == [
        ("pytorch", 3, Verdict.CANNOT_TELL),
        ("mine", 3, Verdict.FASTER),
    ]
