"""Whether latencies keep the order of MACs: pairs of models, judged together, and the sentence on them."""

import math

import pytest

from bench.core.record import Status, Work
from bench.report.chapter import Report
from bench.report.compare import cached_ratios, compare_each
from bench.report.frame import frame
from bench.report.html import write_report
from bench.report.macs_order import macs_finding, macs_pairs
from bench.report.section import sections
from bench.stats.verdict import Verdict

SPREAD = [1.0, 1.01, 0.99, 1.002, 0.998] * 4
MACS = {"pytorch": 1000, "small": 500, "tiny": 250}


@pytest.fixture
def model(make_trained):
    """Return a function that makes a record of a trained model, with its ``MACS``, from its time in ns."""

    def record(name, time, seed=0, **changes):
        rounds = [time * factor for factor in SPREAD]
        work = Work(macs=MACS[name], least_bytes=10, parameters=10)
        values = {"rounds": rounds, "work": work, "session": f"of seed {seed}"}
        return make_trained(name, seed, 0.8, **(values | changes))

    return record


@pytest.fixture
def pairs(make_run):
    def of(records, name="made"):
        run = make_run(records, name)
        (section,) = sections([run], frame([run]), compare_each([run]))
        return macs_pairs([section], cached_ratios())[0]

    return of


def test_a_pair_with_fewer_macs_that_takes_longer_is_named(pairs, model):
    records = [model("pytorch", 1000), model("small", 1000), model("tiny", 1500)]
    by_names = {(pair.fewer, pair.more): pair for pair in pairs(records)}
    assert {names: pair.verdict for names, pair in by_names.items()} == {
        ("small", "pytorch"): Verdict.CANNOT_TELL,
        ("tiny", "pytorch"): Verdict.SLOWER,
        ("tiny", "small"): Verdict.SLOWER,
    }
    tiny = by_names["tiny", "pytorch"]
    assert (tiny.macs_ratio, tiny.latency_ratio.estimate) == (0.25, pytest.approx(1.5))
    assert macs_finding(list(by_names.values())) == (
        "Fewer MACs do not mean less time: in 2 of 3 pairs of implementations with different MACs, the one with fewer "
        "MACs takes longer; in 1 the data cannot tell. The clearest case: tiny has 0.25 "
        "times the MACs of pytorch and takes 1.500 [1.500, 1.500] times as long. Intervals are corrected for several "
        "comparisons."
    )


def test_latencies_that_keep_the_order_are_said_to(pairs, model):
    records = [model("pytorch", 1000), model("small", 600), model("tiny", 600)]
    assert macs_finding(pairs(records)) == (
        "In 2 of 3 pairs of implementations with different MACs, the one with fewer MACs takes less time; in 1 the "
        "data cannot tell. In none does it measurably take longer."
    )


def test_times_that_cannot_be_told_apart_say_nothing(pairs, model):
    assert macs_finding(pairs([model("pytorch", 1000), model("tiny", 1005)])) == (
        "The data cannot tell whether fewer MACs mean less time, for 1 pair of implementations with different MACs."
    )


def test_over_several_seeds_the_ratio_is_their_mean_and_its_interval_that_of_their_spread(pairs, model):
    times = [1600.0, 2000.0, 2500.0]
    records = [
        model(name, time, seed) for seed in range(3) for name, time in (("pytorch", 1000), ("tiny", times[seed]))
    ]
    (pair,) = pairs(records)
    assert pair.latency_ratio.estimate == pytest.approx(2.0)
    # logarithms' s is log 1.25, and t of two degrees is 4.302653
    assert pair.latency_ratio.low == pytest.approx(2 * math.exp(-4.302653 * math.log(1.25) / math.sqrt(3)))


def test_only_models_that_were_timed_together_are_a_pair(pairs, model):
    assert pairs([model("pytorch", 1000), model("tiny", 1500, session="another")]) == []
    failed = model("tiny", 1500, status=Status.CRASHED, reason="died", check=None)
    assert pairs([model("pytorch", 1000), failed], "failed") == []
    assert macs_finding([]) == ""


def test_models_with_the_same_macs_or_none_are_no_pair(pairs, model):
    unknown = model("tiny", 1500, work=None)
    same = model("small", 1500, work=Work(macs=MACS["pytorch"], least_bytes=10, parameters=10))
    assert pairs([model("pytorch", 1000), unknown, same]) == []


def test_experiments_are_judged_together_but_not_with_one_another(pairs, model):
    records = [
        model(name, time, dataset=dataset)
        for dataset, factor in (("cora", 1), ("citeseer", 3))
        for name, time in (("pytorch", 1000 * factor), ("tiny", 1500 * factor))
    ]
    compared = pairs(records)
    assert [pair.experiment for pair in compared] == ["dataset cora", "dataset citeseer"]
    assert {pair.latency_ratio.confidence for pair in compared} == {0.975}, "two comparisons"


def test_all_sections_of_a_report_are_judged_together(make_run, model):
    records = [model("pytorch", 1000), model("tiny", 1500)]
    runs = [make_run(records, name) for name in ("first", "second")]
    compared = macs_pairs(Report(runs).sections, cached_ratios())
    assert [[pair.latency_ratio.confidence for pair in of_section] for of_section in compared] == [[0.975], [0.975]]


def test_each_run_of_a_report_has_a_sentence_of_its_own_beside_the_figure(make_run, model, tmp_path):
    slow = make_run([model("pytorch", 1000), model("tiny", 1500)], "slow")
    quick = make_run([model("pytorch", 1000), model("tiny", 500)], "quick")
    text = write_report([slow, quick], tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count('<p class="finding">') == 2
    assert text.index("takes 1.500 [1.500, 1.500] times as long") < text.index("takes less time. In none does it")


def test_a_section_of_operators_has_no_such_pairs(make_run, make_record):
    report = Report([make_run([make_record("pytorch"), make_record("other")])])
    assert report.macs_finding(report.sections[0]) == ""
