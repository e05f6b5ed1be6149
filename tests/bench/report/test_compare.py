"""Ratios against a baseline, and against an older run."""

import math

import pytest

from bench.core.errors import UsageError
from bench.core.record import Status
from bench.report.compare import (
    ONE_PROCESS,
    cached_ratios,
    compare,
    compare_each,
    compare_runs,
    compare_section,
    newly_failed,
    ratio_at,
)
from bench.stats.verdict import Verdict

STEADY = [1000.0 + i % 7 for i in range(40)]
HALF = [value / 2 for value in STEADY]
TWICE = [value * 2 for value in STEADY]


def other_environment(run):
    """Return the environment of a run with another processor."""
    return run.info.machine.environment.model_copy(update={"cpu": "another"})


def test_ratios_agree_with_known_ones(make_record, make_run):
    run = make_run([make_record("pytorch", STEADY), make_record("fast", HALF), make_record("slow", TWICE)])
    fast, slow = compare(run)
    assert fast.ratio is not None
    assert slow.ratio is not None
    assert fast.ratio.estimate == pytest.approx(0.5)
    assert slow.ratio.estimate == pytest.approx(2.0)
    assert (fast.verdict, slow.verdict) == (Verdict.FASTER, Verdict.SLOWER)
    assert (fast.against, fast.reason) == ("pytorch", "")


def test_another_baseline_can_be_chosen(make_record, make_run):
    rows = compare(make_run([make_record("pytorch", STEADY), make_record("fast", HALF)]), "fast")
    assert [(row.implementation, row.verdict) for row in rows] == [("pytorch", Verdict.SLOWER)]


def test_confidence_is_corrected_for_the_whole_table(make_record, make_run):
    cases = [{"groups": groups} for groups in (1, 2, 4, 8, 16)]
    records = [make_record(name, STEADY, parameters=case) for case in cases for name in ("pytorch", "other")]
    rows = compare(make_run(records))
    assert [row.ratio.confidence for row in rows if row.ratio] == [pytest.approx(1 - 0.05 / 5)] * 5


def test_the_uncorrected_interval_is_that_of_the_only_comparison(make_record, make_run):
    noisy = [value * (1 + index % 3 / 50) for index, value in enumerate(STEADY)]
    cases = [{"groups": groups} for groups in (1, 2, 4)]
    records = [
        make_record(name, rounds, parameters=case)
        for case in cases
        for name, rounds in (("pytorch", STEADY), ("other", noisy))
    ]
    (only,) = compare(make_run(records[:2], "single"))
    first, *_ = compare(make_run(records, "several"))
    assert only.ratio == only.uncorrected == first.uncorrected
    assert first.ratio.high > first.uncorrected.high
    assert first.uncorrected.confidence == 0.95


def test_rows_with_a_verdict_do_not_count_in_the_correction_of_the_others(make_record, make_run):
    """By Holm's method the first row is judged at half the error probability, and the second is then alone."""
    rows = compare(make_run([make_record("pytorch", STEADY), make_record("fast", HALF), make_record("same", STEADY)]))
    assert [row.verdict for row in rows] == [Verdict.FASTER, Verdict.CANNOT_TELL]
    assert [row.ratio.confidence for row in rows if row.ratio] == pytest.approx([0.975, 0.95])


def test_a_section_is_compared_with_any_baseline_as_a_part_of_a_larger_table(make_record, make_run):
    records = [make_record("pytorch", STEADY), make_record("fast", HALF), make_record("slow", TWICE)]
    rows = compare_section(make_run(records), "conv", "edge", "slow", 8, cached_ratios())
    assert [(row.implementation, row.verdict) for row in rows] == [("pytorch", "faster"), ("fast", "faster")]
    assert [row.ratio.confidence for row in rows if row.ratio] == [pytest.approx(1 - 0.05 / 10)] * 2


def test_cached_ratios_are_the_same_either_way_round(make_record):
    fast, slow = (
        make_record("fast", STEADY),
        make_record("slow", [value * (2 + index % 3) for index, value in enumerate(STEADY)]),
    )
    ratio = cached_ratios()
    for first, second in ((fast, slow), (slow, fast)):
        kept, direct = ratio(first, second)(0.99), ratio_at(first, second)(0.99)
        assert (kept.estimate, kept.low, kept.high) == pytest.approx((direct.estimate, direct.low, direct.high))


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
def test_the_margin_is_the_given_one_the_noise_floor_or_the_default(make_record, make_run, noise, margin, expected):
    near = [value * 1.05 for value in STEADY]
    run = make_run([make_record("pytorch", STEADY), make_record("near", near)], noise_floor=noise)
    (row,) = compare(run, margin=margin)
    assert row.margin == expected
    assert row.verdict == (Verdict.CANNOT_TELL if expected == 0.1 else Verdict.SLOWER)


def test_a_missing_baseline_is_a_usage_error(make_record, make_run):
    run = make_run([make_record("fast"), make_record("slow")])
    with pytest.raises(UsageError, match="nobody is not in run made; choose fast, slow"):
        compare(run, "nobody")
    with pytest.raises(UsageError, match="pytorch"):
        compare(run)
    assert all("no record of the baseline" in row.reason for row in compare_each([run]))


def test_only_implementations_that_passed_are_proposed_as_baselines(make_record, make_run):
    broken = make_record("broken", status=Status.CRASHED, reason="signal 11", check=None)
    with pytest.raises(UsageError, match=r"pytorch is not in run made; choose fast$"):
        compare(make_run([make_record("fast"), broken]))
    with pytest.raises(UsageError, match="pytorch is not in run none; and no implementation passed there"):
        compare(make_run([broken], "none"))


def test_an_unknown_workload_leaves_a_row_with_a_reason(make_record, make_run):
    (row,) = compare_each([make_run([make_record(workload="gone")])])
    assert row.ratio is None
    assert "gone" in row.reason


def test_no_ratio_without_a_passed_baseline(make_record, make_run):
    wrong = make_record("pytorch", status=Status.INCORRECT, reason="error 0.3")
    other_case = make_record("pytorch", STEADY, parameters={"groups": 9})
    (row,) = compare(make_run([wrong, other_case, make_record("fast", HALF)]))
    assert (row.ratio, row.verdict, row.reason) == (None, None, "baseline pytorch: incorrect: error 0.3")


def test_the_ratio_is_that_of_the_rounds_in_which_both_took_part(make_record, make_run):
    """An implementation is not judged by rounds in which it took no part."""
    loud = [10 * value for value in STEADY[:20]] + STEADY[20:]
    late = make_record("late", HALF[20:], numbers=range(20, 40))
    (row,) = compare(make_run([make_record("pytorch", loud), late]))
    assert row.ratio is not None
    assert (row.ratio.low, row.ratio.high) == pytest.approx((0.5, 0.5))
    assert row.reason == ""


def test_no_ratio_without_a_common_round(make_record, make_run):
    apart = make_record("apart", HALF, numbers=range(40, 80))
    (row,) = compare(make_run([make_record("pytorch", STEADY), apart]))
    assert (row.ratio, row.verdict) == (None, None)
    assert row.reason == "it and the baseline were measured in no common round"


@pytest.mark.parametrize("disturbed", ["pytorch", "mine"])
def test_disturbed_rounds_of_either_do_not_count(make_record, make_run, disturbed):
    rounds = {"pytorch": STEADY, "mine": HALF}
    rounds[disturbed] = [value * (30 if index in (3, 17) else 1) for index, value in enumerate(rounds[disturbed])]
    disturbed_rounds = {disturbed: [3, 17]}
    records = [make_record(name, rounds[name], disturbed=disturbed_rounds.get(name)) for name in rounds]
    (row,) = compare(make_run(records))
    assert row.ratio is not None
    assert (row.ratio.low, row.ratio.high) == pytest.approx((0.5, 0.5))


def test_intervals_come_from_processes_not_from_rounds(make_record, make_run):
    """Rounds that agree within each process say nothing about the next process."""
    lucky = [value * (0.9, 1.0, 1.0, 1.1)[index // 10] for index, value in enumerate(STEADY)]
    (row,) = compare(make_run([make_record("pytorch", STEADY), make_record("lucky", lucky)]))
    assert row.ratio is not None
    assert row.ratio.low < 0.9
    assert row.ratio.high > 1.1
    assert row.verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize("single", [("mine",), ("pytorch",), ("pytorch", "mine")], ids="+".join)
def test_a_measurement_in_a_single_process_is_noted(make_record, make_run, single):
    records = [
        make_record(name, rounds, processes=[0] * 40 if name in single else None)
        for name, rounds in (("pytorch", STEADY), ("mine", HALF))
    ]
    (row,) = compare(make_run(records))
    assert row.verdict is Verdict.FASTER
    assert row.reason == "measured in a single process, so the interval may not hold for another one"


def test_a_measurement_in_a_single_process_is_noted_when_runs_are_compared(make_record, make_run):
    old = make_run([make_record("pytorch", STEADY, processes=[0] * 40)], "old")
    new = make_run([make_record("pytorch", HALF)], "new")
    (row,) = compare_runs(new, old)
    assert row.reason == ONE_PROCESS
    other = make_run([make_record("pytorch", HALF)], "other", environment=other_environment(old))
    (row,) = compare_runs(other, old)
    assert row.reason == f"the environments of the two runs differ; {ONE_PROCESS}"


def test_a_ratio_between_sessions_is_unpaired_and_says_so(make_record, make_run):
    later = make_record("later", HALF[:20], session="two")
    (row,) = compare(make_run([make_record("pytorch", STEADY), later]))
    assert row.ratio is not None
    assert row.ratio.low <= 0.5 <= row.ratio.high
    assert "not interleaved" in row.reason


def test_two_runs_are_compared_by_implementation(make_record, make_run):
    old = make_run([make_record("pytorch", STEADY), make_record("gone")], "old", noise_floor=0.05)
    new = make_run([make_record("pytorch", HALF, session="two"), make_record("added")], "new")
    same, added = compare_runs(new, old)
    assert same.ratio is not None
    assert same.ratio.estimate == pytest.approx(0.5, rel=0.01)
    assert (same.verdict, same.against, same.margin, same.reason) == (Verdict.FASTER, "old", 0.05, "")
    assert added.reason == "not in run old"


def test_that_two_runs_are_from_different_machines_is_noted(make_record, make_run):
    old = make_run([make_record()], "old")
    (row,) = compare_runs(make_run([make_record()], "new", environment=other_environment(old)), old)
    assert row.ratio is not None
    assert "environments" in row.reason


def test_comparing_two_runs_with_nothing_in_common_is_a_usage_error(make_record, make_run):
    with pytest.raises(UsageError, match="share no implementation"):
        compare_runs(make_run([make_record("a")], "new"), make_run([make_record("b")], "old"))


def test_comparing_two_runs_of_different_targets_is_a_usage_error(make_record, make_run):
    request = make_run([make_record()], "new").info.request.model_copy(update={"target": "cpu"})
    old = make_run([make_record(target="cpu")], "old", request=request)
    new = make_run([make_record()], "newer")
    with pytest.raises(
        UsageError, match="run newer measured target edge and run old target cpu; choose two runs of the same"
    ):
        compare_runs(new, old)


def test_slower_means_that_the_low_end_of_the_interval_is_above_the_margin(make_record, make_run):
    times = (1.19, 1.21, 1.21, 1.23)  # in each of the four processes
    slow = [value * times[i // 10] for i, value in enumerate(STEADY)]
    run = make_run([make_record("pytorch", STEADY), make_record("slow", slow), make_record("fast", HALF)])

    def slower_by(margin):
        return [row.implementation for row in compare(run, margin=margin) if row.verdict is Verdict.SLOWER]

    assert slower_by(0.1) == ["slow"]
    assert compare(run)[0].ratio.estimate > 1.2
    assert slower_by(0.2) == []


def test_an_implementation_that_passed_before_and_does_not_now_is_lost(make_record, make_run):
    old = make_run([make_record("pytorch"), make_record("mine")], "old")
    new = make_run([make_record("pytorch"), make_record("mine", status=Status.CRASHED, reason="died")], "new")
    assert [record.implementation for record in newly_failed(new, old)] == ["mine"]
    assert newly_failed(old, new) == []


def trained_pairs(make_trained, ratios, dataset="cora"):
    """Return for each seed, one per ratio, a record of the baseline and one that takes ``ratio`` of its time."""
    pairs = [(seed, name, ratio) for seed, ratio in enumerate(ratios) for name in ("pytorch", "mine")]
    return [
        make_trained(
            *(name, seed, 0.8),
            dataset=dataset,
            rounds=[value * (ratio if name == "mine" else 1) for value in STEADY],
            session=f"{dataset} {seed}",
        )
        for seed, name, ratio in pairs
    ]


def test_repeats_are_compared_once_with_an_interval_from_their_spread(make_trained, make_run):
    (row,) = compare(make_run(trained_pairs(make_trained, [0.4, 0.5, 0.625])))
    assert (row.case, row.cases) == ("dataset=cora", tuple(f"dataset=cora,seed={seed}" for seed in range(3)))
    # logarithms' mean log 0.5, s log 1.25, t of 2 degrees 4.302653: reach 0.5543193
    assert row.ratio is not None
    assert (row.ratio.estimate, row.ratio.low, row.ratio.high) == pytest.approx((0.5, 0.2872316, 0.8703778), rel=1e-6)
    assert (row.ratio.confidence, row.verdict, row.reason) == (pytest.approx(0.95), Verdict.FASTER, "")


def test_the_correction_counts_experiments_not_their_repeats(make_trained, make_run):
    by_dataset = [trained_pairs(make_trained, [0.4, 0.5, 0.625], dataset) for dataset in ("cora", "citeseer")]
    cora, citeseer = compare(make_run([*by_dataset[0], *by_dataset[1]]))
    assert (cora.case, citeseer.case) == ("dataset=cora", "dataset=citeseer")
    # t of two degrees is 6.205347 at 97.5 %, where 4.302653 is that of 95 %
    assert cora.ratio is not None
    assert cora.ratio.confidence == pytest.approx(0.975)
    reach = 6.205347 * math.log(1.25) / math.sqrt(3)
    assert (cora.ratio.low, cora.ratio.high) == pytest.approx((0.5 * math.exp(-reach), 0.5 * math.exp(reach)), rel=1e-5)


def test_only_the_seed_parameter_makes_repeats(make_trained, make_run):
    records = [
        make_trained(name, seed, 0.8, parameters={"seed_of_split": split, "seed": seed}, session=f"{split} {seed}")
        for split in (1, 2)
        for seed in (1, 2)
        for name in ("pytorch", "mine")
    ]
    rows = compare(make_run(records))
    assert [(row.case, len(row.cases)) for row in rows] == [("seed_of_split=1", 2), ("seed_of_split=2", 2)]


def test_cases_of_an_operator_are_no_repeats_whatever_their_parameters_are(make_record, make_run):
    records = [
        make_record(name, STEADY, parameters={"None": n, "seed": n}) for n in (1, 2) for name in ("pytorch", "mine")
    ]
    assert [row.case for row in compare(make_run(records))] == ["None=1,seed=1", "None=2,seed=2"]


def test_a_single_repeat_is_a_case_of_its_own(make_trained, make_run):
    (row,) = compare(make_run(trained_pairs(make_trained, [0.5])))
    assert (row.case, row.cases) == ("dataset=cora,seed=0", ("dataset=cora,seed=0",))
    assert row.ratio is not None
    assert (row.ratio.low, row.ratio.high) == pytest.approx((0.5, 0.5))  # Each of its rounds takes half the time.


def test_a_single_process_is_noted_for_a_single_training_but_not_for_several(make_trained, make_run):
    """A model is trained once in a process, so several repeats ran in as many processes."""
    records = [
        make_trained(name, seed, 0.8, session=f"{seed}", processes=[0] * 20)
        for seed in range(3)
        for name in ("pytorch", "mine")
    ]
    (row,) = compare(make_run(records, "many"))
    assert (len(row.cases), row.reason) == (3, "")
    (row,) = compare(make_run(records[:2], "single"))
    assert (len(row.cases), row.reason) == (1, ONE_PROCESS)


def test_repeats_that_cannot_be_compared_are_noted(make_trained, make_run):
    records = trained_pairs(make_trained, [0.5, 0.5, 0.5, 0.5])
    died = make_trained("mine", 3, 0.8, status=Status.CRASHED, reason="signal 11", check=None)
    (row,) = compare(make_run([*records[:-1], died]))
    assert len(row.cases) == 3
    assert row.reason == "1 of 4 repeats: crashed: signal 11"
    (none,) = compare(make_run([records[6], died], "none"))
    assert (none.ratio, none.reason) == (None, "crashed: signal 11")


def test_repeats_of_two_runs_are_compared_once_too(make_trained, make_run):
    old = make_run(trained_pairs(make_trained, [1.0, 1.0, 1.0]), "old")
    rows = compare_runs(make_run(trained_pairs(make_trained, [0.5, 0.5, 0.5]), "new"), old)
    assert [(row.implementation, len(row.cases), row.verdict) for row in rows] == [
        ("pytorch", 3, Verdict.CANNOT_TELL),
        ("mine", 3, Verdict.FASTER),
    ]
