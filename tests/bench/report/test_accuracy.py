"""Trained models over their seeds: hand-computed means, differences and leaders, and the page that shows them."""

import math
from types import SimpleNamespace

import pytest

from bench.core import registry
from bench.core.record import Check, Status, Work
from bench.core.workload import Metric
from bench.report.accuracy import changes, differences, experiments
from bench.report.accuracy_figures import Cost, cost_panels, curve_panels
from bench.report.accuracy_tables import differences_table, means_table
from bench.report.compare import compare, compare_each, compare_runs, ratio_at
from bench.report.curves import curves
from bench.report.frame import frame
from bench.report.html import write_report
from bench.report.matrix import section_matrix
from bench.report.section import sections
from bench.report.summary import summarise
from bench.report.table import results_table
from bench.stats.repeats import Finding

SEEDS = range(10)
BASE = [0.80 + 0.001 * seed for seed in SEEDS]
"""Mean 0.8045, s 0.0030277, so the t interval reaches 2.2622 * 0.00095743 = 0.0021659 on either side."""


@pytest.fixture
def section(make_run):
    def make_section(records, name="made", **changes):
        run = make_run(records, name, **changes)
        (only,) = sections([run], frame([run]), compare_each([run]))
        return only

    return make_section


@pytest.fixture
def records(make_trained):
    """Return records better than pytorch by 0.02, worse by 0.01 for all seeds but one, and better and worse in turn."""
    gains = {
        "pytorch": lambda seed: 0.0,
        "better": lambda seed: 0.02,
        "worse": lambda seed: -0.01 if seed else 0.001,
        "turns": lambda seed: (-1) ** seed * 0.005,
    }
    return [
        make_trained(name, seed, BASE[seed] + gain(seed), dataset=dataset)
        for dataset in ("cora", "citeseer")
        for seed in SEEDS
        for name, gain in gains.items()
    ]


def test_an_experiment_is_made_of_records_that_differ_only_in_the_seed(section, records):
    cora, citeseer = experiments(section(records))
    assert (cora.title, citeseer.title) == ("dataset cora", "dataset citeseer")
    assert [(model.implementation, model.seeds) for model in cora.models] == [
        (name, 10) for name in ("pytorch", "better", "worse", "turns")
    ]
    (alone,) = experiments(section(records[:40], "alone"))
    assert (alone.title, alone.seeds) == ("", 10)


def test_parameters_that_all_cases_share_are_stated_once(section, make_run, records, tmp_path):
    assert section(records[:40], "alone").shared == "dataset cora"
    flagged = [r.model_copy(update={"parameters": r.parameters | {"equal": False}}) for r in records]
    assert section(flagged, "flagged").shared == "equal false"
    assert section(records, "both").shared == ""
    page = write_report([make_run(records[:40], "page")], tmp_path / "page.html").read_text()
    assert "Trained with dataset cora." in page


def test_means_agree_with_hand_computed_ones(section, records):
    mean = experiments(section(records))[0].models[0].means["accuracy"]
    assert (mean.estimate, mean.low, mean.high) == pytest.approx((0.8045, 0.8023341, 0.8066659), abs=1e-7)


def test_differences_agree_with_hand_computed_ones(section, records):
    by_implementation = {
        d.implementation: d for d in experiments(section(records))[0].differences if d.metric.name == "accuracy"
    }
    assert list(by_implementation) == ["better", "worse", "turns"]
    better, worse, turns = by_implementation.values()
    # all signs alike: 2 of 1024, times 3
    assert (better.p, better.finding) == (pytest.approx(6 / 1024), Finding.BETTER)
    assert (better.mean.estimate, better.mean.high) == pytest.approx((0.02, 0.02))
    # nine of -10 and one of 1 sum to -89, of which the only more extreme is -91; both in both signs; times 2
    assert (worse.p, worse.finding) == (pytest.approx(2 * 4 / 1024), Finding.WORSE)
    assert worse.mean.estimate == pytest.approx(-0.0089)
    assert (turns.p, turns.finding) == (1.0, Finding.CANNOT_TELL)


def test_lower_can_be_better_and_a_metric_without_a_direction_is_not_compared(section, make_trained):
    records = [
        make_trained(name, seed, 0.8, metrics={"epochs_to_converge": epochs, "inflation": epochs / 1e4})
        for seed in SEEDS
        for name, epochs in (("pytorch", 50.0), ("quick", 40.0))
    ]
    (experiment,) = experiments(section(records))
    findings = {d.metric.name: d.finding for d in experiment.differences}
    assert findings == {"accuracy": Finding.CANNOT_TELL, "epochs_to_converge": Finding.BETTER}
    assert experiment.leader.unsure == ["quick"]


def test_seeds_are_paired_by_their_number_and_failures_count_as_missing(section, make_trained):
    records = [make_trained("pytorch", seed, BASE[seed]) for seed in SEEDS]
    records += [make_trained("other", seed, BASE[seed] + 0.01) for seed in reversed(SEEDS) if seed > 2]
    records += [make_trained("other", 1, 0.0, status=Status.TIMEOUT, reason="120 s", check=None)]
    (experiment,) = experiments(section(records))
    difference = experiment.differences[0]
    assert (difference.seeds, difference.p) == (7, pytest.approx(2 / 128))
    assert (difference.mean.low, difference.mean.high) == pytest.approx((0.01, 0.01))
    assert means_table(experiment).lines[1][1] == ("7", "of 10")


def test_a_metric_that_is_not_finite_has_no_mean(section, make_trained):
    records = [make_trained("pytorch", seed, BASE[seed]) for seed in SEEDS]
    records += [make_trained("diverged", seed, math.nan if seed == 4 else 0.9) for seed in SEEDS]
    (experiment,) = experiments(section(records))
    assert experiment.models[1].means["accuracy"] is None
    assert "accuracy" not in {d.metric.name for d in experiment.differences}
    assert experiment.leader is None
    assert means_table(experiment).lines[1][2].text == "–"


def test_too_few_seeds_are_reported(section, make_trained):
    def experiment(count, name):
        models = ("pytorch", "a", "b")
        records = [make_trained(model, seed, 0.8) for seed in range(count) for model in models]
        return experiments(section(records, name))[0]

    assert experiment(6, "six").too_few  # 2 / 64 times 2 comparisons
    assert not experiment(7, "seven").too_few
    assert experiment(1, "one").models[0].means["accuracy"].high == math.inf


def test_without_records_of_the_baseline_there_are_no_differences(section, make_trained):
    (experiment,) = experiments(section([make_trained("alone", seed, 0.8) for seed in SEEDS]))
    assert experiment.differences == []
    assert differences_table(experiment).lines == []
    assert len(means_table(experiment).lines) == 1


def test_the_leader_has_the_best_mean_and_lists_models_that_may_be_as_good(section, records):
    leader = experiments(section(records))[0].leader
    assert (leader.implementation, leader.unsure) == ("better", [])
    two_models = [r for r in records if r.implementation in ("better", "worse")]
    leader_of_two = experiments(section(two_models[:12], "six"))[0].leader
    assert (leader_of_two.implementation, leader_of_two.seeds, leader_of_two.unsure) == ("better", 6, [])
    few = experiments(section([r for r in records if r.implementation != "turns"][:18], "few"))[0].leader
    assert (few.implementation, few.unsure) == ("better", ["pytorch", "worse"])  # 2 / 64 for each, times 2


def test_all_models_that_share_the_best_mean_are_named(section, make_trained):
    names = ("pytorch", "first", "second")
    records = [make_trained(name, seed, 1.0 - (name == "pytorch")) for seed in SEEDS for name in names]
    report_section = section(records)
    assert experiments(report_section)[0].leader.tied == ["second"]
    text = " ".join(summarise(report_section).sentences).replace("\u00a0", " ")
    assert "Test accuracy: first and second share the highest mean, 100.00 %; the table has their intervals." in text


def test_equal_means_are_tied_whatever_the_rounding(section, make_trained):
    shuffled = BASE[5:] + BASE[:5]
    records = [
        make_trained(name, seed, (BASE if name == "a" else shuffled)[seed]) for seed in SEEDS for name in ("a", "b")
    ]
    assert experiments(section(records))[0].leader.tied == ["b"]


def test_the_summary_counts_findings_over_experiments(section, records):
    summary = summarise(section(records))
    assert summary.judged_by == "test accuracy"
    assert {ranking.implementation: dict(ranking.findings) for ranking in summary.rankings} == {
        "pytorch": {},
        "better": {Finding.BETTER: 2},
        "worse": {Finding.WORSE: 2},
        "turns": {Finding.CANNOT_TELL: 2},
    }


def test_facts_in_which_models_differ_are_shown(make_run, make_record, make_trained):
    facts = {"pytorch": {"torch": "2", "width": "128"}, "other": {"torch": "2", "width": "16", "heads": "8"}}
    records = [make_trained(name, seed, 0.8, facts=facts[name]) for seed in (0, 1) for name in facts]
    records.append(make_trained("other", 2, 0.8, facts=facts["other"] | {"width": "17"}))
    # Facts of other workloads and experiments, and of records that did not pass, do not count.
    crashed = {"status": Status.CRASHED, "reason": "died", "check": None}
    records.append(make_trained("other", 3, 0.8, facts={"width": "18"}, **crashed))
    records.append(make_trained("other", 0, 0.8, dataset="citeseer", facts={"width": "19"}))
    other_workload = make_record("other", workload="conv", parameters=records[0].parameters, facts={"width": "20"})
    run = make_run([*records, other_workload])
    (report_section, _) = sections([run], frame([run]), compare_each([run]))
    experiment = experiments(report_section)[0]
    assert [model.facts for model in experiment.models] == [{}, {"width": "16 or 17", "heads": "8"}]
    assert means_table(experiment).lines[1][0] == ("other", "width 16 or 17, heads 8")


def test_without_a_baseline_facts_that_not_all_models_share_are_shown(section, make_trained):
    widths = {"a": ["16", "17"], "b": ["17", "16"], "c": ["16", "17"]}
    facts = [{"width": widths[name][seed], "torch": name if name == "c" else "2"} for seed in (0, 1) for name in widths]
    records = [
        make_trained(name, seed, 0.8, facts=facts[3 * seed + i]) for seed in (0, 1) for i, name in enumerate(widths)
    ]
    (experiment,) = experiments(section(records))
    assert [model.facts for model in experiment.models] == [{"torch": "2"}, {"torch": "2"}, {"torch": "c"}]


def test_the_summary_names_the_best_model(section, records):
    text = " ".join(summarise(section(records)).sentences).replace("\u00a0", " ")
    assert "Test accuracy in dataset cora: better has the highest mean, 82.45 % (82.23 to 82.67 %) over 10" in text
    assert "10 repeats; surely better than every other." in text


def test_differences_are_keyed_by_the_rows_that_compare_times(make_run, records):
    run = make_run(records)
    rows = compare(run, "turns")
    differences_by_row = differences(run, rows)
    assert set(differences_by_row) == set(rows)
    better = next(row for row in rows if row.implementation == "better")
    assert [(d.metric.name, d.implementation, d.finding) for d in differences_by_row[better]] == [
        ("accuracy", "better", Finding.BETTER),
        ("epochs_to_converge", "better", Finding.CANNOT_TELL),
    ]
    assert differences_by_row[better][0].mean.estimate == pytest.approx(0.02), "BASE + 0.02 against BASE, to and fro"


def test_two_runs_are_compared_by_their_metrics_seed_by_seed(make_run, make_trained):
    gains = {"pytorch": 0.0, "mine": -0.02, "added": 0.0}
    old = make_run([make_trained(name, seed, BASE[seed]) for seed in SEEDS for name in ("pytorch", "mine")], "old")
    new = make_run([make_trained(name, seed, BASE[seed] + gains[name]) for seed in SEEDS for name in gains], "new")
    rows = compare_runs(new, old)
    changes_by_row = changes(new, old, rows)
    pytorch, mine, added = rows
    assert [(d.metric.name, d.seeds, d.p, d.finding) for d in changes_by_row[pytorch]] == [
        ("accuracy", 10, 1.0, Finding.CANNOT_TELL),
        ("epochs_to_converge", 10, 1.0, Finding.CANNOT_TELL),
    ]
    lost = changes_by_row[mine][0]
    assert (lost.mean.estimate, lost.finding) == (pytest.approx(-0.02), Finding.WORSE)
    assert lost.p == pytest.approx(2 * 2 / 1024), "corrected for the two that both runs have"
    assert added not in changes_by_row


def test_tables_show_means_and_differences_with_their_intervals(section, records):
    experiment = experiments(section(records))[0]
    means = means_table(experiment)
    assert [column.heading for column in means.columns[:5]] == [
        "Implementation",
        "Seeds",
        "Test accuracy, %",
        "Inflation, %",
        "Epochs to converge",
    ]
    assert means.lines[0][2] == ("80.45", "80.23 to 80.67")
    differences = differences_table(experiment)
    assert [column.heading for column in differences.columns] == [
        "Implementation",
        "Latency per call, ratio",
        "Test accuracy, points",
        "Epochs to converge",
    ]
    assert differences.lines[1][1] == ("1.000 cannot tell", "1.000 to 1.000")
    assert differences.lines[1][2] == ("−0.89 worse", "−1.14 to −0.64, p 0.0078")


def test_ratios_in_the_differences_table_have_an_interval_and_a_number_of_repeats(section, make_trained):
    times = {"pytorch": [1000.0] * 3, "twice": [1600.0, 2000.0, 2500.0]}
    records = [
        make_trained(name, seed, math.nan, rounds=[times[name][seed]] * 20, session=str(seed))
        for seed in range(3)
        for name in times
    ]
    died = make_trained("pytorch", 3, 0.0, status=Status.CRASHED, reason="died", check=None, session="3")
    report_section = section([*records, died, make_trained("twice", 3, 0.8, session="3")])
    table = differences_table(experiments(report_section)[0])
    # logarithms' mean log 2, s log 1.25, t of two degrees 4.302653
    assert table.lines[0][:2] == [("twice", ""), ("2.000 slower", "1.149 to 3.482, 3 of 4 repeats")]


def test_sparse_work_is_shown_separately(section, make_trained):
    work = Work(macs=3_000_000, sparse_macs=1_000_000, least_bytes=10, parameters=1234)
    (experiment,) = experiments(section([make_trained("pytorch", 0, 0.8, work=work, seconds={"prepare": 2.0})]))
    assert means_table(experiment).lines[0][-4:] == [
        ("1,234", ""),
        ("3.000", "1.000 sparse"),
        ("2.000\u00a0s", ""),
        ("1.000\u00a0µs", ""),
    ]


def test_the_table_of_curves_is_in_long_format(make_run, make_trained, make_record):
    records = [make_trained("pytorch", 0, 0.8, curves={"loss": [2.0, 1.0], "accuracy": [0.5]}), make_record()]
    table = curves([make_run(records)])
    assert table[["case", "curve", "index", "value"]].to_numpy().tolist() == [
        ["dataset=cora,seed=0", "loss", 1, 2.0],
        ["dataset=cora,seed=0", "loss", 2, 1.0],
        ["dataset=cora,seed=0", "accuracy", 1, 0.5],
    ]
    assert curves([]).columns.tolist() == table.columns.tolist()


def test_learning_curves_are_means_over_the_epochs_that_all_seeds_reached(section, make_trained):
    values = {0: [0.2, 0.4, 0.9], 1: [0.4, 0.6]}
    records = [
        make_trained(
            "pytorch", seed, 0.8, dataset=dataset, curves={"accuracy": values[seed], "some_loss": [1.0, math.nan, 0.5]}
        )
        for dataset in ("cora", "citeseer")
        for seed in values
    ]
    plots = curve_panels(section(records), "epoch")
    assert [plot.title for plot in plots] == [
        f"dataset {dataset}: {curve}" for dataset in ("cora", "citeseer") for curve in ("Test accuracy", "Some loss")
    ]
    (line,) = plots[0].series
    assert (list(line.x), list(line.y)) == ([1, 2], pytest.approx([30.0, 50.0]))
    assert list(plots[1].series[0].y) == pytest.approx([1.0, math.nan, 0.5], nan_ok=True)  # a gap, not a bridge


def test_curves_along_layers_are_plotted_apart_from_learning_curves(section, make_trained, make_run, tmp_path):
    curves = {"accuracy": [0.2, 0.4], "dead": [0.0, 0.5, math.nan]}
    records = [make_trained("pytorch", seed, 0.8, curves=curves) for seed in SEEDS]
    (learning,) = curve_panels(section(records, "learning"), "epoch")
    (by_layer,) = curve_panels(section(records, "layers"), "layer")
    assert (learning.x.title, by_layer.x.title) == ("epoch", "layer")
    (line,) = by_layer.series
    assert (list(line.x), list(line.y)) == ([1, 2], [0.0, 50.0])
    text = write_report([make_run(records)], tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Curves by layer" in text


def test_cost_figures_show_the_interval_where_there_is_one(section, make_trained):
    records = [make_trained("pytorch", seed, BASE[seed]) for seed in SEEDS] + [make_trained("once", 0, 0.7)]
    report_section = section(records)
    latency = Cost("latency", lambda model: model.latency_ns)
    (plot,) = cost_panels(experiments(report_section), report_section.metrics[0], latency)
    pytorch, once = plot.series
    assert (pytorch.x[0], pytorch.y[0]) == (1.0, pytest.approx(80.45))
    assert pytorch.high[0] - pytorch.y[0] == pytest.approx(0.21659, abs=1e-5)
    assert once.low == once.high == once.y, "a single seed has no interval"


def test_a_figure_against_macs_is_in_millions(section, make_trained):
    report_section = section([make_trained("pytorch", seed, BASE[seed]) for seed in SEEDS])
    (experiment,) = experiments(report_section)
    macs = Cost("MACs per call", lambda model: model.macs, is_time=False)
    (plot,) = cost_panels([experiment], report_section.metrics[0], macs)
    (pytorch,) = plot.series
    assert pytorch.x[0] == experiment.models[0].macs / 1e6
    assert plot.x.title == "MACs per call, millions"
    assert pytorch.texts[0].endswith(" MMACs")


def test_the_time_of_a_training_that_was_no_part_of_preparing_is_its_metric(section, make_trained):
    records = [make_trained("pytorch", seed, BASE[seed]) for seed in SEEDS]
    (without,) = experiments(section(records))
    checks = [record.check for record in records]
    with_times = [
        check.model_copy(update={"metrics": check.metrics | {"train_s": 100.0 + seed}})
        for seed, check in enumerate(checks)
    ]
    timed = [record.model_copy(update={"check": check}) for record, check in zip(records, with_times, strict=True)]
    (with_metric,) = experiments(section(timed, "timed"))
    assert without.models[0].training_s == records[0].seconds["prepare"]
    assert with_metric.models[0].training_s == 100 + (len(records) - 1) / 2


def test_the_time_of_the_training_has_a_single_column(section, make_trained, monkeypatch):
    train_s = Metric("train_s", "training time, s", "Time of all steps.")
    known = vars(registry.workload("nodes"))
    with_time = SimpleNamespace(**(known | {"metrics": (*known["metrics"], train_s)}))
    monkeypatch.setattr(registry, "workload", lambda name: with_time)
    (experiment,) = experiments(section([make_trained("pytorch", 0, 0.8, metrics={"train_s": 100.0})]))
    assert train_s in experiment.metrics
    headings = [column.heading for column in means_table(experiment).columns]
    assert [heading for heading in headings if "raining" in heading] == ["Training time"]
    assert len(means_table(experiment).lines[0]) == len(headings)


def test_the_page_shows_trained_models(make_run, make_trained, records, tmp_path):
    changed = [r.model_copy(update={"check": _with_curve(r.check)}) for r in records]
    text = write_report([make_run(changed)], tmp_path / "report.html").read_text(encoding="utf-8")
    for expected in (
        '<a href="#models">',
        "dataset citeseer, over 10 values of seed",
        "paired by seed; p corrected for a column’s comparisons, 3 at most",
        "−0.89 worse",
        ">Better in test accuracy</th>",
        '"heading":"Test accuracy, %"',
        '80.45 <span class="aside">80.23 to 80.67</span>',
        "Learning curves",
        "Test accuracy against MACs",
        "Test accuracy against latency",
        "Test accuracy against training time",
        "<dt>Inflation</dt><dd>What peeking adds.</dd>",
        "Holm",
        "Fisher",
    ):
        assert expected in text, expected
    assert "Latency against" not in text
    assert "Too few repeats" not in text


def test_rows_of_single_seeds_show_no_ratio(make_run, make_trained):
    records = [make_trained(name, seed, 0.8) for seed in (0, 1) for name in ("pytorch", "other")]
    records += [make_trained("other", seed, 0.8, dataset="citeseer") for seed in (0, 1)]  # without a baseline
    run = make_run(records)
    columns = {column["name"]: column for column in results_table(frame([run]), compare_each([run]), [])}
    notes = columns["notes"]
    reason = "no ratio: no record of the baseline pytorch for this case; another is chosen with compare --baseline"
    assert [notes["words"][index] if index >= 0 else "" for index in notes["index"]] == [""] * 4 + [reason] * 2
    (only,) = sections([run], frame([run]), compare_each([run]))
    matrix = section_matrix(only, None, 0, ratio_at)
    assert matrix is not None
    assert set(matrix.data["rows"]) == {-1}
    assert matrix.cases.keys() == {"dataset=cora", "dataset=citeseer"}


def test_a_metric_of_two_descriptions_is_shown_as_it_was_recorded(make_run, make_trained):
    table = frame([make_run([make_trained("pytorch", 0, 0.8)])])
    metrics = registry.workload("nodes").metrics
    twice = [metrics[0], metrics[0]._replace(is_fraction=False)]
    described, unsure = (
        next(column for column in results_table(table, [], metrics_) if column["name"] == "metric_accuracy")
        for metrics_ in (metrics, twice)
    )
    assert (described["heading"], described["form"]) == ("Test accuracy, %", "hundredths")
    assert (unsure["heading"], unsure["form"]) == ("Accuracy", "number")


def _with_curve(check: Check) -> Check:
    return check.model_copy(update={"curves": {"accuracy": [0.1, 0.2]}})


def test_an_operator_has_no_section_on_trained_models(section, make_record, make_run, tmp_path):
    records = [
        make_record(name, parameters={"groups": 1, "seed": seed}) for seed in (0, 1) for name in ("pytorch", "b")
    ]
    assert experiments(section(records, "part")) == []
    assert curve_panels(section(records, "figures"), "epoch") == []
    text = write_report([make_run(records)], tmp_path / "report.html").read_text(encoding="utf-8")
    for unexpected in ('id="models"', "#models", "Trained models", "Fisher", "Learning curves", "repeats"):
        assert unexpected not in text.split("<script>")[0], unexpected
