"""Comparisons by workload and case, with times and means."""

import math

import pytest

from bench.core.record import Status
from bench.report.compare import compare, compare_runs
from bench.report.overview import describe_cases, overviews
from bench.stats.verdict import Verdict

STEADY = [1000.0 + i % 7 for i in range(40)]
HALF, TWICE = ([value * factor for value in STEADY] for factor in (0.5, 2))


def test_a_case_is_described_by_what_tells_it_from_the_others():
    parameters = {
        "cin=64,h=56,groups=8": {"n": "1", "cin": "64", "h": "56", "groups": "8", "bias": "false"},
        "cin=64,h=28": {"n": "1", "cin": "64", "h": "28", "groups": "1", "bias": "false"},
        "n=2,cin=64,h=28": {"n": "2", "cin": "64", "h": "28", "groups": "1", "bias": "false"},
    }
    shared, cases = describe_cases(parameters)
    assert shared == "cin=64"
    assert list(cases.items()) == [
        ("cin=64,h=56,groups=8", "n=1,h=56,groups=8"),
        ("cin=64,h=28", "n=1,h=28,groups=1"),
        ("n=2,cin=64,h=28", "n=2,h=28,groups=1"),
    ]


def test_a_single_case_has_everything_in_common():
    assert describe_cases({"cin=64": {"n": "1", "cin": "64"}}) == ("cin=64", {"cin=64": ""})
    assert describe_cases({"": {"n": "1", "cin": "64"}}) == ("", {"": ""})


def test_comparisons_are_grouped_by_case_with_their_times_the_fastest_first(make_record, make_run):
    records = [
        make_record(name, rounds, parameters={"cin": 64, "groups": groups})
        for groups in (8, 2)
        for name, rounds in (("slow", TWICE), ("fast", HALF), ("pytorch", STEADY))
    ]
    run = make_run(records)
    (overview,) = overviews(compare(run), run)
    assert (overview.workload, overview.title, overview.against) == ("conv", "Grouped convolution", "pytorch")
    assert (overview.shared, list(overview.cases.values())) == ("cin=64", ["groups=8", "groups=2"])
    for case in overview.cases:
        fast, slow = overview.timed[case]
        assert [each.comparison.implementation for each in (fast, slow)] == ["fast", "slow"]
        assert (fast.latency.estimate, slow.latency.estimate) == pytest.approx((501.4375, 2005.75))
        assert fast.other.estimate == slow.other.estimate == pytest.approx(1002.875)
        assert fast.ratio.estimate == pytest.approx(0.5)


def test_means_are_over_the_cases_that_an_implementation_has(make_record, make_run):
    records = [
        make_record(name, [value * factor for value in STEADY], parameters={"groups": groups})
        for groups, factors in ((1, (1, 0.5, 0.9)), (2, (1, 0.125, 1.1)), (4, (1, None, 1.0)))
        for name, factor in zip(("pytorch", "fast", "same"), factors, strict=True)
        if factor is not None
    ]
    broken = make_record("fast", parameters={"groups": 4}, status=Status.CRASHED, reason="signal 11", check=None)
    run = make_run([*records, broken])
    (overview,) = overviews(compare(run), run)
    fast, same = overview.means
    assert (fast.implementation, same.implementation) == ("fast", "same")
    assert fast.ratio.estimate == pytest.approx(0.25)
    assert same.ratio.estimate == pytest.approx(0.99 ** (1 / 3))
    assert fast.ratio.confidence == 0.95
    assert (len(fast.cases), len(same.cases), overview.comparable) == (2, 3, False)
    assert fast.verdicts == {Verdict.FASTER: 2}
    assert same.verdicts == {Verdict.FASTER: 1, Verdict.SLOWER: 1, Verdict.CANNOT_TELL: 1}
    assert [row.reason for row in overview.without_ratio] == ["crashed: signal 11"]


def test_means_over_the_same_cases_can_be_compared(make_record, make_run):
    names = ("pytorch", "fast", "same")
    run = make_run([make_record(name, STEADY, parameters={"groups": groups}) for groups in (1, 2) for name in names])
    (overview,) = overviews(compare(run), run)
    assert overview.comparable


def test_each_workload_has_an_overview_of_its_own(make_record, make_run):
    records = [
        make_record(name, STEADY, workload=workload) for workload in ("conv", "nodes") for name in ("pytorch", "mine")
    ]
    run = make_run(records)
    assert [overview.workload for overview in overviews(compare(run), run)] == ["conv", "nodes"]


def test_two_runs_have_new_and_old_times(make_record, make_run):
    old = make_run([make_record("pytorch", STEADY)], "old")
    new = make_run([make_record("pytorch", HALF, session="two")], "new")
    (overview,) = overviews(compare_runs(new, old), new, old)
    ((timed,),) = overview.timed.values()
    assert overview.against == "old"
    assert (timed.latency.estimate, timed.other.estimate) == pytest.approx((501.4375, 1002.875))


def test_the_time_of_repeats_is_their_geometric_mean(make_trained, make_run):
    records = [
        make_trained(name, seed, 0.8, rounds=[factor * 1000.0] * 20, session=f"{seed}")
        for seed, factors in ((0, (1, 0.25)), (1, (4, 1)))
        for name, factor in zip(("pytorch", "mine"), factors, strict=True)
    ]
    run = make_run(records)
    (overview,) = overviews(compare(run), run)
    assert overview.shared == "dataset=cora"
    ((timed,),) = overview.timed.values()
    assert (timed.latency.estimate, timed.other.estimate) == pytest.approx((500, 2000))
    # logarithms: log 500 +- log 2, so s = sqrt(2) log 2; t of one degree is 12.7062
    assert timed.latency.high == pytest.approx(500 * math.exp(12.7062 * math.log(2)), rel=1e-4)


def test_a_workload_that_this_checkout_does_not_know_has_no_title(make_record, make_run):
    run = make_run([make_record(workload="gone")])
    (overview,) = overviews(compare_runs(run, run), run, run)
    assert (overview.workload, overview.title) == ("gone", "")
