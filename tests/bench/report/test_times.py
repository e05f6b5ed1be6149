"""Times of implementations in cases where there is no ratio."""

import pytest

from bench.core.record import Status
from bench.report.compare import compare_each
from bench.report.times import times_without_ratio


def test_only_cases_without_a_ratio_have_such_times(make_record, make_run):
    other = {"parameters": {"groups": 2}}
    broken = make_record("pytorch", status=Status.CRASHED, reason="signal 11", check=None, **other)
    run = make_run([make_record("pytorch"), make_record("native"), broken, make_record("native", **other)])
    (time,) = times_without_ratio(run, compare_each([run]))
    assert (time.implementation, time.case, time.latency.estimate) == ("native", "groups=2", 1000)


def test_repeats_have_the_geometric_mean_of_those_that_passed(make_trained, make_run):
    records = [make_trained("gat", seed, 0.8, rounds=[ns] * 4) for seed, ns in enumerate((2.0, 8.0))]
    broken = make_trained("gat", 2, 0.8, status=Status.CRASHED, reason="signal 11", check=None)
    run = make_run([*records, broken])
    (time,) = times_without_ratio(run, compare_each([run]))
    assert (time.case, time.cases) == ("dataset=cora", ("dataset=cora,seed=0", "dataset=cora,seed=1"))
    assert time.latency.estimate == pytest.approx(4)
