"""Seeds that several runs share out: accuracies over all of them, and times that stay with each run."""

import re
from datetime import UTC, datetime

import pytest

from bench.core.record import Status
from bench.report.accuracy import experiments
from bench.report.accuracy_tables import differences_table, means_table
from bench.report.chapter import Report
from bench.report.chapters.recommendation import RecommendationChapter
from bench.report.chapters.trained import TrainedChapter
from bench.report.html import write_report
from bench.stats.repeats import Finding

SEEDS = range(10)
BASE = [0.80 + 0.001 * seed for seed in SEEDS]
"""Mean 0.8045, s 0.0030277, so the t interval reaches 2.2622 * 0.00095743 = 0.0021659 on either side."""


@pytest.fixture
def runs(make_run, make_trained):
    """Return a run for each seed, in which ``better`` is better by 0.02, each twice as slow as the run before."""
    return [
        make_run(
            [
                make_trained(name, seed, BASE[seed] + gain, rounds=[1000.0 * 2**seed] * 20)
                for name, gain in (("pytorch", 0.0), ("better", 0.02))
            ],
            f"seed {seed}",
        )
        for seed in SEEDS
    ]


def only_experiment(runs):
    (joint,) = Report(runs).pooled_models
    (experiment,) = joint.experiments
    return experiment


def test_means_and_paired_differences_are_over_the_seeds_of_all_runs(runs):
    experiment = only_experiment(runs)
    assert (experiment.seeds, experiment.runs) == (10, tuple(run.name for run in runs))
    mean = experiment.models[0].means["accuracy"]
    assert (mean.estimate, mean.low, mean.high) == pytest.approx((0.8045, 0.8023341, 0.8066659), abs=1e-7)
    difference = experiment.differences[0]
    assert (difference.implementation, difference.seeds, difference.finding) == ("better", 10, Finding.BETTER)
    assert difference.mean.estimate == pytest.approx(0.02)
    assert difference.p == pytest.approx(2 / 1024)


def test_the_tables_of_several_runs_have_no_times(runs):
    experiment = only_experiment(runs)
    assert [column.heading for column in means_table(experiment).columns] == [
        "Implementation",
        "Seeds",
        "Test accuracy, %",
        "Epochs to converge",
        "Parameters",
        "MMACs",
    ]
    assert [column.heading for column in differences_table(experiment).columns] == [
        "Implementation",
        "Test accuracy, points",
        "Epochs to converge",
    ]
    assert all(len(line) == 6 for line in means_table(experiment).lines)
    assert [len(line) for line in differences_table(experiment).lines] == [3]


def test_times_stay_with_each_run(runs):
    latencies = [experiments(section)[0].models[0].latency_ns for section in Report(runs).sections]
    assert latencies == pytest.approx([1000.0 * 2**seed for seed in SEEDS])


def test_a_model_of_several_runs_counts_once_as_the_newest_has_it(make_run, make_trained):
    earlier = datetime(2026, 1, 1, tzinfo=UTC)
    new = make_run([make_trained(name, seed, 0.8) for seed in (0, 1) for name in ("pytorch", "b")], "new")
    old = make_run(
        [make_trained(name, seed, 0.6) for seed in (1, 2) for name in ("pytorch", "b")], "old", started=earlier
    )
    for runs in ([new, old], [old, new]):
        model = only_experiment(runs).models[0]
        assert (model.seeds, model.means["accuracy"].estimate) == (3, pytest.approx((0.8 + 0.8 + 0.6) / 3))


def test_a_model_that_failed_in_the_first_run_is_that_of_the_second(make_run, make_trained):
    died = make_trained("pytorch", 0, 0.0, status=Status.CRASHED, reason="died", check=None)
    first = make_run([died, make_trained("pytorch", 1, 0.7)], "first")
    second = make_run([make_trained("pytorch", 0, 0.8)], "second")
    assert only_experiment([first, second]).models[0].seeds == 2


@pytest.mark.parametrize("changes", [{"dataset": "citeseer"}, {"target": "cpu"}])
def test_runs_of_different_experiments_or_targets_have_nothing_in_common(make_run, make_trained, changes):
    first = make_run([make_trained("pytorch", 0, 0.8)], "first")
    second = make_run([make_trained("pytorch", 1, 0.8, **changes)], "second")
    assert Report([first, second]).pooled_models == []


def test_a_repeated_run_and_operators_have_no_seeds_to_put_together(make_run, make_trained, make_record):
    models = [make_trained("pytorch", 0, 0.8), make_record()]
    assert Report([make_run(models, "first"), make_run(models, "again")]).pooled_models == []
    assert Report([make_run(models, "alone")]).pooled_models == []


def test_there_is_a_single_recommendation_for_the_models_of_all_runs(runs, make_run, make_record):
    report = Report([*runs, make_run([make_record()], "operators")])
    recommendations = RecommendationChapter().content(report)["recommendations"]
    assert [(each.run, each.take) for each in recommendations] == [("10 runs together", ["better"]), ("operators", [])]
    assert "over 10 repeats; surely better than every other" in recommendations[0].certainty


def test_what_failed_in_any_of_the_runs_is_warned_of(make_run, make_trained):
    wrong = make_trained("b", 1, 0.0, status=Status.INCORRECT, reason="off", check=None)
    first = make_run([make_trained(name, 0, 0.8) for name in ("pytorch", "b")], "first")
    second = make_run([make_trained("pytorch", 1, 0.8), wrong], "second")
    (advice,) = RecommendationChapter().content(Report([first, second]))["recommendations"]
    assert advice.warnings == ["Wrong outputs, for which no speed is given, from b in 1 case."]
    assert (advice.failures, advice.number) == (1, 1)


def test_the_page_has_the_accuracies_of_all_runs_first_and_folds_those_of_each(runs, tmp_path):
    parts = TrainedChapter().content(Report(runs))["trained"]
    assert [(part.run, part.is_pooled, part.is_in_pool) for part in parts[:2]] == [
        ("10 runs together", True, False),
        ("seed 0", False, True),
    ]
    text = write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8")
    chapter = text[text.index('<section id="models"') : text.index('<section id="figures"')]
    assert '80.45 <span class="aside">80.23 to 80.67</span>' in chapter
    assert len(re.findall("<details open>", chapter)) == 1
    assert chapter.count("<details>") == 10
