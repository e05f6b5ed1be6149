"""Comparisons as tables and as JSON."""

import json
import math
from collections.abc import Callable, Sequence
from io import StringIO

import pytest
from rich.console import Console

from bench.cli.compare import comparison_json
from bench.cli.comparisons import difference_cells, metric_differences, print_comparisons
from bench.cli.text_table import Printer
from bench.core import registry
from bench.core.record import Latency, Record
from bench.core.workload import Metric
from bench.report.accuracy import Difference
from bench.report.compare import Comparison, compare, compare_each, compare_runs
from bench.report.times import times_without_ratio
from bench.stats.interval import Interval
from bench.stats.repeats import Finding
from bench.stats.verdict import Verdict
from bench.store import Run

Create = Callable[..., Run]
CreateRecord = Callable[..., Record]


def latency(ns: float, processes: int = 4) -> Latency:
    """Return a latency without noise, so that ratios are exact."""
    return Latency(
        rounds=[[ns]] * 8,
        numbers=list(range(8)),
        processes=[index * processes // 8 for index in range(8)],
        calls_per_sample=1,
        estimate=ns,
        low=0.99 * ns,
        high=1.01 * ns,
        stopped="precise",
    )


@pytest.fixture
def two_cases(create: Create, record: CreateRecord, failed: CreateRecord) -> Run:
    """A run of three implementations on two cases, one of which failed on the second case."""
    run = create()
    for groups, names in ((2, ("im2col", "native", "pytorch")), (4, ("native", "pytorch"))):
        case = {"case": f"cin=4,cout=4,groups={groups}", "parameters": {"cin": 4, "cout": 4, "groups": groups}}
        times = {"im2col": 2e6, "native": 5e5, "pytorch": 1e6}
        run.append([record(name, latency=latency(groups * times[name]), **case) for name in names])
    run.append([failed("im2col").model_copy(update=case)])
    return run


def printed(run: Run, old: Run | None = None, rows: Sequence[Comparison] | None = None, width: int = 0) -> list[str]:
    """Return the lines that are printed about a run: in a pipe, or on a terminal of this width."""
    everything = compare_runs(run, old) if old else compare_each([run])
    file = StringIO()
    console = Console(file=file, width=width or 500, force_terminal=True, color_system=None)
    printer = Printer(console if width else None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", file)
        shown = everything if rows is None else rows
        times = [] if old else times_without_ratio(run, everything)
        print_comparisons(printer, shown, metric_differences(everything, run, old), len(everything), run, old, times)
    return [line.rstrip() for line in file.getvalue().replace("\u00a0", " ").splitlines()]


def test_in_a_pipe_each_row_is_complete(two_cases: Run) -> None:
    assert printed(two_cases) == [
        "grouped_conv2d: Grouped 2-D convolution, on edge",
        "run run, baseline pytorch, margin 2.00 %; verdicts corrected for 4 comparisons",
        "2 cases, all with cin=4,cout=4",
        "implementation  case      time                      pytorch   ratio                 verdict",
        "native          groups=2  1.000 ms [0.9900, 1.010]  2.000 ms  0.500 [0.500, 0.500]  faster",
        "im2col          groups=2  4.000 ms [3.960, 4.040]   2.000 ms  2.000 [2.000, 2.000]  slower",
        "native          groups=4  2.000 ms [1.980, 2.020]   4.000 ms  0.500 [0.500, 0.500]  faster",
        "",
        "geometric mean of the ratios above, with its 95 % interval, and verdicts by number of cases; "
        "means over different cases cannot be compared",
        "implementation  cases   mean ratio            faster  slower  cannot tell",
        "native          2 of 2  0.500 [0.500, 0.500]  2       0       0",
        "im2col          1 of 2  2.000 [2.000, 2.000]  0       1       0",
        "",
        "implementation  cases     note",
        "im2col          groups=4  no ratio: failed: measure_memory: no",
    ]


def test_records_that_other_processes_disturbed_are_counted(create: Create, record: CreateRecord) -> None:
    run = create()
    numbers = {"im2col": [0, 2, 4, 6], "native": [1, 3, 5], "pytorch": range(8)}
    for name, disturbed in numbers.items():
        run.append([record(name, latency=latency(1e6).model_copy(update={"disturbed": list(disturbed)}))])
    assert printed(run)[-1] == (
        "in 2 records, other processes took the core in at least half of the rounds; "
        "measure again when nothing else runs"
    )


def test_times_stand_alone_where_the_baseline_was_not_measured(create: Create, record: CreateRecord) -> None:
    run = create()
    run.append([record("native", latency=latency(2e6)), record("im2col", latency=latency(1e6))])
    assert printed(run)[1:7] == [
        "run run, no ratios",
        "case: cin=4",
        "implementation  time",
        "im2col          1.000 ms [0.9900, 1.010]",
        "native          2.000 ms [1.980, 2.020]",
        "",
    ]
    assert "for ratios, choose a baseline with compare --baseline NAME: im2col, native" in printed(run)


def test_times_stand_alone_in_the_cases_where_the_baseline_failed(
    two_cases: Run, record: CreateRecord, failed: CreateRecord
) -> None:
    case = {"case": "cin=4,cout=4,groups=8", "parameters": {"cin": 4, "cout": 4, "groups": 8}}
    two_cases.append([failed("pytorch").model_copy(update=case), record("native", latency=latency(3e6), **case)])
    lines = printed(two_cases)
    assert lines[1] == "run run, baseline pytorch, margin 2.00 %; verdicts corrected for 5 comparisons"
    start = lines.index("times in cases without a ratio")
    assert lines[start + 1 : start + 5] == [
        "implementation  case      time",
        "native          groups=8  3.000 ms [2.970, 3.030]",
        "",
        "a ratio needs two implementations that passed on the same case",
    ]
    assert "native          groups=8  no ratio: baseline pytorch: failed: measure_memory: no" in lines


def test_a_run_of_the_baseline_alone_shows_its_time(create: Create, record: CreateRecord) -> None:
    run = create()
    run.append([record("pytorch", latency=latency(1e6))])
    assert printed(run)[-4:] == [
        "implementation  time",
        "pytorch         1.000 ms [0.9900, 1.010]",
        "",
        "a ratio needs two implementations that passed on the same case",
    ]


def test_on_a_terminal_the_baseline_stands_in_its_place_among_the_others(two_cases: Run) -> None:
    assert printed(two_cases, width=120)[3:11] == [
        "  implementation  time                      ratio                 verdict",
        "groups=2",
        "  native          1.000 ms [0.9900, 1.010]  0.500 [0.500, 0.500]  faster",
        "  pytorch         2.000 ms [1.980, 2.020]   1                     baseline",
        "  im2col          4.000 ms [3.960, 4.040]   2.000 [2.000, 2.000]  slower",
        "groups=4",
        "  native          2.000 ms [1.980, 2.020]   0.500 [0.500, 0.500]  faster",
        "  pytorch         4.000 ms [3.960, 4.040]   1                     baseline",
    ]


def test_nothing_is_wider_than_the_terminal(two_cases: Run) -> None:
    assert all(len(line) <= 80 for line in printed(two_cases, width=80))
    assert all(len(line) <= 60 for line in printed(two_cases, width=60))


def test_two_runs_have_columns_for_both(two_cases: Run, create: Create, record: CreateRecord) -> None:
    case = {"case": "cin=4,cout=4,groups=2", "parameters": {"cin": 4, "cout": 4, "groups": 2}}
    old = create("old")
    old.append([record("native", latency=latency(2e6), **case)])
    lines = printed(two_cases, old)
    assert lines[:5] == [
        "grouped_conv2d: Grouped 2-D convolution, on edge",
        "run run against old, margin 2.00 %; verdicts corrected for 6 comparisons",
        "2 cases, all with cin=4,cout=4",
        "implementation  case      new                       old       ratio                 verdict",
        "native          groups=2  1.000 ms [0.9900, 1.010]  2.000 ms  0.500 [0.500, 0.500]  faster",
    ]
    assert "pytorch         2 cases   no ratio: not in run old" in lines
    assert "baseline" not in " ".join(printed(two_cases, old, width=120))


def test_a_single_case_is_named_once_and_has_no_mean(two_cases: Run) -> None:
    rows = [row for row in compare(two_cases) if row.case.endswith("groups=2")]
    assert printed(two_cases, rows=rows)[2:] == [
        "case: cin=4,cout=4,groups=2",
        "implementation  time                      pytorch   ratio                 verdict",
        "native          1.000 ms [0.9900, 1.010]  2.000 ms  0.500 [0.500, 0.500]  faster",
        "im2col          4.000 ms [3.960, 4.040]   2.000 ms  2.000 [2.000, 2.000]  slower",
    ]


@pytest.mark.parametrize(("single", "noted"), [(("native", "im2col"), "all"), (("native",), "native")])
def test_what_is_to_be_minded_of_all_ratios_is_said_once(
    create: Create, record: CreateRecord, single: tuple[str, ...], noted: str
) -> None:
    run = create()
    names = ("pytorch", "native", "im2col")
    run.append([record(name, latency=latency(1e6, processes=1 if name in single else 4)) for name in names])
    caution = "measured in a single process, so the interval may not hold for another one"
    expected = f"note for all ratios: {caution}" if noted == "all" else f"native          1 case  {caution}"
    assert printed(run)[-1] == expected
    assert sum(caution in line for line in printed(run)) == 1


def test_ends_that_are_unknown_are_infinite_in_text_and_null_in_json(create: Create, record: CreateRecord) -> None:
    run = create()
    one_round = Latency(
        rounds=[[5.0]], numbers=[0], processes=[0], calls_per_sample=1, estimate=5, low=5, high=5, stopped="budget"
    )
    run.append([record("pytorch", latency=one_round), record("native", latency=one_round)])
    (row,) = compare(run)
    assert "1.000 [0, ∞]" in printed(run)[4]
    fields = json.loads(json.dumps(comparison_json(row, []), allow_nan=False))
    assert fields["ratio"] == {"estimate": 1.0, "low": 0.0, "high": None, "confidence": 0.95}
    assert set(fields) == {
        *("run", "workload", "implementation", "case", "target", "against", "margin", "ratio", "verdict", "reason"),
        "cases",
    }


def test_the_json_of_a_comparison_has_all_metrics() -> None:
    ratio = Interval(1.5, 1.4, 1.6, 0.95)
    row = Comparison("run", "nodes", "mine", "", "edge", "gcn3", 0.01, ratio, Verdict.SLOWER, cases=("", "seed=1"))
    accuracy = Metric("accuracy", "test accuracy", "", is_fraction=True, higher_is_better=True)
    epochs = Metric("epochs", "epochs to converge", "", higher_is_better=False)
    differences = [
        Difference("mine", accuracy, 2, Interval(0.0155, 0.0058, math.inf, 0.95), 0.0468, Finding.BETTER),
        Difference("mine", epochs, 2, Interval(-3.25, -7.0, 0.5, 0.95), 0.25, Finding.CANNOT_TELL),
    ]
    metrics = json.loads(json.dumps(comparison_json(row, differences), allow_nan=False))["metrics"]
    assert metrics["accuracy"]["difference"] == {"estimate": 0.0155, "low": 0.0058, "high": None, "confidence": 0.95}
    assert metrics["epochs"]["finding"] == "cannot tell"
    assert (metrics["epochs"]["repeats"], metrics["epochs"]["p"]) == (2, 0.25)


def test_the_primary_metric_is_shown_in_points() -> None:
    primary = registry.workload("node_classification").metrics[0]
    difference = Difference("mine", primary, 10, Interval(0.0155, 0.0058, math.inf, 0.95), 0.0468, Finding.BETTER)
    assert difference_cells("node_classification", [difference]) == ("+1.55 [+0.58, +inf]", "0.047", "better")


def test_repeats_that_are_too_few_for_any_difference_are_noted() -> None:
    primary = registry.workload("node_classification").metrics[0]
    few, enough = (
        difference_cells(
            "node_classification",
            [Difference("mine", primary, seeds, Interval(0.1, 0, 1, 0.95), 1.0, Finding.CANNOT_TELL)],
        )
        for seeds in (5, 6)
    )
    assert few[1:] == ("1", "cannot tell, with too few repeats for any difference")  # 2 of 32 at least
    assert enough[1:] == ("1", "cannot tell")  # 2 of 64


def test_a_primary_metric_that_is_missing_is_noted() -> None:
    other = registry.workload("node_classification").metrics[1]
    difference = Difference("mine", other, 2, Interval(0.01, 0.0, 0.02, 0.95), 0.5, Finding.CANNOT_TELL)
    assert difference_cells("node_classification", [difference]) == (
        "",
        "",
        "no difference, as it is missing or not finite in some repeat",
    )
