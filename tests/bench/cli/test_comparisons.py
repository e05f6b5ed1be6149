"""Comparisons as text and as JSON."""

import json
import math

from bench.cli.compare import comparison_json
from bench.cli.comparisons import comparison_texts, judged_text
from bench.core import registry
from bench.core.workload import Metric
from bench.report.accuracy import Difference
from bench.report.compare import Comparison
from bench.stats.interval import Interval
from bench.stats.repeats import Finding
from bench.stats.verdict import Verdict


def test_compare_prints_the_reason_and_its_json_has_no_infinity() -> None:
    ratio = Interval(0.5, 0.0, math.inf, 0.999)
    row = Comparison("run", "conv", "fast", "n=1", "edge", "slow", 0.01, ratio, Verdict.CANNOT_TELL, "not in turns")
    (text,) = comparison_texts([row], {})
    assert text.endswith("n=1: 0.500 [0.000, inf] of the time of slow: cannot tell; not in turns")
    printed = json.loads(json.dumps(comparison_json(row, []), allow_nan=False))
    assert printed["ratio"] == {"estimate": 0.5, "low": 0.0, "high": None, "confidence": 0.999}


def test_compare_prints_once_what_is_the_same_for_all_ratios() -> None:
    ratio = Interval(0.5, 0.4, 0.6, 0.95)
    rows = [
        Comparison("run", "conv", name, "n=1", "edge", "slow", 0.01, ratio, Verdict.FASTER, "not in turns")
        for name in ("fast", "faster")
    ]
    assert list(comparison_texts(rows, {})) == [
        f"{'fast':24}n=1: 0.500 [0.400, 0.600] of the time of slow: faster",
        f"{'faster':24}n=1: 0.500 [0.400, 0.600] of the time of slow: faster",
        f"{'':24}note for all ratios: not in turns",
    ]


def test_compare_prints_the_judged_metric_and_its_json_has_all_metrics() -> None:
    ratio = Interval(1.5, 1.4, 1.6, 0.95)
    row = Comparison(
        "run", "node_classification", "mine", "", "edge", "gcn3", 0.01, ratio, Verdict.SLOWER, cases=("", "seed=1")
    )
    judged = Metric("accuracy", "test accuracy", "", is_fraction=True, higher_is_better=True)
    epochs = Metric("epochs", "epochs to converge", "", higher_is_better=False)
    differences = [
        Difference("mine", judged, 2, Interval(0.0155, 0.0058, math.inf, 0.95), 0.0468, Finding.BETTER),
        Difference("mine", epochs, 2, Interval(-3.25, -7.0, 0.5, 0.95), 0.25, Finding.CANNOT_TELL),
    ]
    assert list(comparison_texts([row], {row: differences})) == [
        f"{'mine':24}(defaults), 2 repeats: 1.500 [1.400, 1.600] of the time of gcn3: slower",
        f"{'':24}test accuracy +1.55 points [+0.58, +inf], corrected p 0.047: better",
    ]
    metrics = json.loads(json.dumps(comparison_json(row, differences), allow_nan=False))["metrics"]
    assert metrics["accuracy"]["difference"] == {"estimate": 0.0155, "low": 0.0058, "high": None, "confidence": 0.95}
    assert metrics["epochs"]["finding"] == "cannot tell"
    assert (metrics["epochs"]["repeats"], metrics["epochs"]["p"]) == (2, 0.25)


def test_compare_says_when_repeats_are_too_few_for_any_difference() -> None:
    judged = registry.workload("node_classification").metrics[0]
    few, enough = (
        judged_text(
            "node_classification",
            [Difference("mine", judged, seeds, Interval(0.1, 0, 1, 0.95), 1.0, Finding.CANNOT_TELL)],
        )
        for seeds in (5, 6)
    )
    assert few.endswith("corrected p 1: cannot tell, with too few repeats for any difference")  # 2 of 32 at least
    assert enough.endswith("corrected p 1: cannot tell")  # 2 of 64


def test_compare_says_when_the_judged_metric_is_missing() -> None:
    other = registry.workload("node_classification").metrics[1]
    difference = Difference("mine", other, 2, Interval(0.01, 0.0, 0.02, 0.95), 0.5, Finding.CANNOT_TELL)
    assert judged_text("node_classification", [difference]) == (
        "test accuracy: no difference, as it is missing or not finite in some repeat"
    )
