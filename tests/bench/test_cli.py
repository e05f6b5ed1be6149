"""The command line: a usage error is one line that names the choices, with exit status 2."""

import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import cli_compare
from bench.core import registry
from bench.core.target import NAMES, Target
from bench.core.workload import Metric
from bench.report.accuracy import Difference
from bench.report.compare import Comparison
from bench.run.session import MIN_ROUNDS
from bench.run.stopping import MIN_PROCESSES
from bench.stats.interval import Interval
from bench.stats.repeats import Finding
from bench.stats.verdict import Verdict
from bench.store import Run

ROOT = Path(__file__).parent.parent.parent
ACCIDENTS = Path(__file__).parent / "accidents"
SMALL = ("--suite", "odd", "--case", "kernel=1", "--impl", "im2col", "--budget", "100ms")


def featherbench(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["run", "conv9d"],
            "no workload 'conv9d'; choose from graph_propagation, grouped_conv2d, node_classification, "
            "sliding_channel_conv2d",
        ),
        (["run", "grouped_conv2d", "--suite", "huge"], "no suite 'huge'; choose from first, quick, gspc, odd, full"),
        (
            ["run", "grouped_conv2d", "--impl", "pytorch,keras"],
            "no implementation 'keras' of grouped_conv2d; choose from",
        ),
        (["run", "--impl", ","], "--impl has an empty name; write names as a,b"),
        (["run", "--impl", "pytorch", "--impl", ""], "--impl has an empty name; write names as a,b"),
        (["run", "--impl", "im2col,", "pytorch"], "--impl has an empty name; write names as a,b, without a space"),
        (["run", "--impl", "im2col", ",pytorch"], "pytorch is an implementation: write --impl a,b, without a space"),
        (["run", "grouped_conv2d", "--case", "depth=3"], "no parameter 'depth' to filter by; choose from n, cin, cout"),
        (
            ["run", "--case", "groups=7"],
            "no case of suite first has groups=7, and --case only filters; choose from 6, 8, 16, 64",
        ),
        (
            ["run", "sliding_channel_conv2d", "--case", "dtype=float16"],
            "dtype=float16, and --case only filters; choose from float32, or a suite that has it: dsxplore_128",
        ),
        (["run", "--case", "groups=8,16"], "and repeat --case groups=... for each of several"),
        (["run", "--target", "cuda,edge"], "cuda:graph, one for each run"),
        (
            ["run", "--case", "groups=6", "--case", "cin=64"],
            "no case of suite first matches groups=6 and cin=64 together",
        ),
        (["run", "--problem", "cin=4"], "--problem describes cases of one workload, in place of a suite's"),
        (["run", "grouped_conv2d", "--problem", "cin=4", "--suite", "odd"], "drop --suite and --case"),
        (
            ["run", "grouped_conv2d", "--problem", "cin=4,cout=4,h=5,w=5,groups=3"],
            "groups=3 must divide cin=4 and cout=4",
        ),
        (["run", "--target", "gpu"], "no target 'gpu'; choose from cpu, edge, cuda"),
        *([(["run", "--target", "cuda"], "target cuda needs")] if Target("cuda").unavailable() else []),
        (["run", "--case", "groups"], "--case 'groups' has no value; write NAME=VALUE"),
        (["run", "--plugin", "nowhere.py"], "/nowhere.py"),
        (["run", "--budget", "soon"], "'soon' is not a time such as 90s"),
        (["run", "--budget", "0s"], "'0s' is not a time"),
        (["run", "--memory-limit", "4GB"], "'4GB' is not a size such as 512MiB"),
        (["run", "--dry-run", "--resume"], "--dry-run measures nothing, so it does not go with --resume"),
        (["run", "--frobnicate"], "No such option: --frobnicate"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["report"], "/results/local yet; make one with: featherbench run"),
        (["report", "lost"], "/results/reference; choose from: latest"),
        (["compare", "a", "b", "c"], "compare takes one run or two, not 3"),
        (["compare", "a", "b", "--baseline", "pytorch"], "drop --baseline or give one run"),
        (["compare", "latest", "--margin", "small"], "'small' is not a share such as 5%"),
        (["compare", "latest", "--margin", "5"], "'5' is 100 % or more; write a share such as 5% or 0.05"),
        (["run", "--memory-limit", "4"], "'4' is too little for any worker; give at least 16MiB"),
        (["new", "grouped_conv2d", "class"], "'class' cannot name a Python file"),
        (["new", "grouped_conv2d", "2fast"], "'2fast' cannot name a Python file"),
        (["new", "grouped_conv2d", "im2col"], "has an implementation im2col already"),
        (["doctor", "--pairs", "0"], "--pairs"),
        (["doctor", "--trial", "lazy"], "'lazy' is not one of 'same', 'busy', 'slower', 'rare'"),
        (["doctor", "--impl", "keras"], "no implementation 'keras'; see featherbench list"),
        (["doctor", "--margin", "wide"], "'wide' is not a share such as 5%"),
    ],
)
def test_a_usage_error_is_one_line_that_names_the_choices(arguments: list[str], words: str, tmp_path: Path) -> None:
    result = featherbench(*arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert words in result.stderr
    assert not (tmp_path / "results").exists()


def test_a_plugin_of_a_misspelt_workload_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Mine:\n    workload = 'gruoped_conv2d'\n")
    result = featherbench("run", "--impl", "mine", "--plugin", "mine.py", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "mine.py: unknown workload 'gruoped_conv2d'; choose from graph_propagation, grouped" in result.stderr


def test_an_unwritable_results_folder_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    result = featherbench("run", *SMALL, "--results", "taken", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "choose another folder with --results" in result.stderr


def test_a_run_is_measured_resumed_and_reported(tmp_path: Path) -> None:
    first = featherbench("run", *SMALL, "--name", "mine", "--json", cwd=tmp_path)
    summary = json.loads(first.stdout)
    assert (first.returncode, summary["measured"], summary["records"]) == (0, 1, {"passed": 1})
    assert 0 < summary["harness_share"] < 1
    (record,) = Run.open(tmp_path / "results/local/mine").records
    assert record.latency is not None
    assert len(set(record.latency.processes)) >= MIN_PROCESSES
    assert len(record.latency.rounds) >= MIN_ROUNDS

    resumed = featherbench("run", *SMALL, "--resume", "--json", cwd=tmp_path)
    assert json.loads(resumed.stdout)["run"] == "mine"
    assert json.loads(resumed.stdout)["measured"] == 0

    same_name = featherbench("run", *SMALL, "--name", "mine", cwd=tmp_path)
    assert same_name.returncode == 2
    assert "exists already; add --resume" in same_name.stderr

    other = featherbench("run", *SMALL, "--budget", "50ms", "--case", "n=1", "--name", "mine", "--resume", cwd=tmp_path)
    assert other.returncode == 2
    assert "was started by a different request" in other.stderr

    unknown_baseline = featherbench("compare", "mine", "--baseline", "pytorch", cwd=tmp_path)
    assert unknown_baseline.returncode == 2
    assert "im2col" in unknown_baseline.stderr

    report = featherbench("report", "mine", cwd=tmp_path)
    assert report.returncode == 0, report.stderr
    assert Path(report.stdout.removeprefix("report: ").strip()).read_text().startswith("<!doctype html>")


def test_compare_exits_with_status_3_when_an_implementation_is_slower(tmp_path: Path) -> None:
    """The plug-in computes the right output, but sleeps, so it is slower than im2col beyond any noise."""
    featherbench("new", "grouped_conv2d", "sleepy", cwd=tmp_path)
    source = (tmp_path / "sleepy.py").read_text()
    return_line = "            return slow_but_right"
    assert return_line in source
    (tmp_path / "sleepy.py").write_text(
        "import time\n" + source.replace(return_line, f"            time.sleep(0.02)\n{return_line}")
    )
    cases = ("--suite", "odd", "--case", "kernel=1", "--impl", "im2col,sleepy", "--plugin", "sleepy.py")
    featherbench("run", *cases, "--budget", "1s", "--name", "both", cwd=tmp_path)

    slower = featherbench("compare", "both", "--baseline", "im2col", "--fail-if-slower", "5%", cwd=tmp_path)
    assert slower.returncode == 3
    assert "1 of 1 are slower by more than 5%" in slower.stderr
    bad_margin = featherbench("compare", "both", "--baseline", "im2col", "--fail-if-slower", "fast", cwd=tmp_path)
    assert (bad_margin.returncode, bad_margin.stdout) == (2, "")
    faster = featherbench("compare", "both", "--baseline", "sleepy", "--fail-if-slower", "5%", "--json", cwd=tmp_path)
    assert faster.returncode == 0
    assert json.loads(faster.stdout)[0]["verdict"] == "faster"


def test_compare_prints_the_reason_and_its_json_has_no_infinity() -> None:
    ratio = Interval(0.5, 0.0, math.inf, 0.999)
    row = Comparison("run", "conv", "fast", "n=1", "edge", "slow", 0.01, ratio, Verdict.CANNOT_TELL, "not in turns")
    (text,) = cli_compare.comparison_texts([row], {})
    assert text.endswith("n=1: 0.500 [0.000, inf] of the time of slow: cannot tell; not in turns")
    printed = json.loads(json.dumps(cli_compare.comparison_json(row, []), allow_nan=False))
    assert printed["ratio"] == {"estimate": 0.5, "low": 0.0, "high": None, "confidence": 0.999}


def test_compare_prints_once_what_is_the_same_for_all_ratios() -> None:
    ratio = Interval(0.5, 0.4, 0.6, 0.95)
    rows = [
        Comparison("run", "conv", name, "n=1", "edge", "slow", 0.01, ratio, Verdict.FASTER, "not in turns")
        for name in ("fast", "faster")
    ]
    assert list(cli_compare.comparison_texts(rows, {})) == [
        f"{'fast':24}n=1: 0.500 [0.400, 0.600] of the time of slow: faster",
        f"{'faster':24}n=1: 0.500 [0.400, 0.600] of the time of slow: faster",
        f"{'':24}note for all ratios: not in turns",
    ]


def test_compare_shows_only_the_cases_and_implementations_asked_for() -> None:
    grouped = ("compare", "grouped_conv2d-gspc-edge-zen5", "--case", "cin=64", "--case", "h=56", "--case", "stride=1")
    shown = featherbench(*grouped, "--case", "groups=8", "--case", "groups=16", "--impl", "native,tflite", cwd=ROOT)
    assert [
        re.match(r"(\w+) +cin=64,cout=64,h=56,w=56,groups=(8|16): ", line) is not None
        for line in shown.stdout.splitlines()
    ] == [True] * 4 + [False]
    every = set(featherbench("compare", grouped[1], cwd=ROOT).stdout.splitlines())
    assert set(shown.stdout.splitlines()) <= every, "verdicts are corrected for all comparisons of the run"
    refused = featherbench(*grouped, "--case", "groups=7", cwd=ROOT)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "has groups=7; choose from 1, 128, 16," in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--impl", "native,keras"],
            "no implementation 'keras' in run grouped_conv2d-gspc-edge-zen5; choose from im2col",
        ),
        (["--case", "groups=8", "--case", "groups=nine"], "has groups=nine; choose from"),
        (["--case", "grops=8"], "no parameter 'grops' in run grouped_conv2d-gspc-edge-zen5; choose from bias, cin"),
        (["--case", "groups"], "--case 'groups' needs a value: NAME=VALUE"),
        (["--case", "groups=128", "--case", "cin=64"], "no comparison of the run matches all of --impl and --case"),
    ],
)
def test_compare_refuses_what_the_run_does_not_have(arguments: list[str], words: str) -> None:
    refused = featherbench("compare", "grouped_conv2d-gspc-edge-zen5", *arguments, cwd=ROOT)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert words in refused.stderr


def test_runs_of_a_workload_that_this_checkout_does_not_know_are_compared(tmp_path: Path) -> None:
    known = ROOT / "results/reference/graph_propagation-graphs-edge-zen5"
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        for file in ("run.json", "records.jsonl"):
            text = (known / file).read_text().replace("graph_propagation", "forgotten_workload")
            (tmp_path / name / file).write_text(text)
    compared = featherbench("compare", str(tmp_path / "new"), str(tmp_path / "old"), "--impl", "pyg", cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    assert all(line.startswith(("pyg ", " ")) for line in compared.stdout.splitlines())
    assert "1.000 [" in compared.stdout


def test_compare_refuses_to_filter_by_a_seed() -> None:
    refused = featherbench("compare", str(TRAINED), "--case", "seed=3", cwd=ROOT)
    assert refused.returncode == 2
    assert "cases that differ in seed are repeats" in refused.stderr


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
    assert list(cli_compare.comparison_texts([row], {row: differences})) == [
        f"{'mine':24}(defaults), 2 repeats: 1.500 [1.400, 1.600] of the time of gcn3: slower",
        f"{'':24}test accuracy +1.55 points [+0.58, +inf], corrected p 0.047: better",
    ]
    metrics = json.loads(json.dumps(cli_compare.comparison_json(row, differences), allow_nan=False))["metrics"]
    assert metrics["accuracy"]["difference"] == {"estimate": 0.0155, "low": 0.0058, "high": None, "confidence": 0.95}
    assert metrics["epochs"]["finding"] == "cannot tell"
    assert (metrics["epochs"]["repeats"], metrics["epochs"]["p"]) == (2, 0.25)


TRAINED = ROOT / "results" / "reference" / "node_classification-multipath-edge-zen5"


def test_compare_of_a_recorded_run_of_models_prints_times_and_accuracy() -> None:
    lines = featherbench("compare", str(TRAINED), cwd=ROOT).stdout.splitlines()
    assert len(lines) == 2 * 6 * 12, "two datasets, three recipes, all models but the baseline; a line of each"
    assert re.fullmatch(r"gat +dataset=cora,split=public, 10 repeats: \d.* of the time of gcn3: \w+", lines[0])
    assert re.fullmatch(
        r" +test accuracy [+-]\d.* points \[.*\], corrected p \S+: (better|worse|cannot tell)", lines[1]
    )
    rows = json.loads(featherbench("compare", str(TRAINED), "--json", cwd=ROOT).stdout)
    assert {len(row["cases"]) for row in rows} == {10}
    assert {"accuracy", "accuracy_peeking", "epochs_to_converge"} <= rows[0]["metrics"].keys()


def test_compare_of_two_runs_of_models_pairs_their_seeds() -> None:
    rows = json.loads(featherbench("compare", str(TRAINED), str(TRAINED), "--json", cwd=ROOT).stdout)
    assert len(rows) == 6 * 13
    for row in rows:
        assert row["metrics"]["accuracy"]["difference"]["estimate"] == 0
        assert (row["metrics"]["accuracy"]["repeats"], row["metrics"]["accuracy"]["p"]) == (10, 1)


def test_compare_says_when_repeats_are_too_few_for_any_difference() -> None:
    judged = registry.workload("node_classification").metrics[0]
    few, enough = (
        cli_compare.judged_text(
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
    assert cli_compare.judged_text("node_classification", [difference]) == (
        "test accuracy: no difference, as it is missing or not finite in some repeat"
    )


def test_files_in_the_current_folder_do_not_shadow_libraries(tmp_path: Path) -> None:
    """The folder where the command is called holds a file with the name of a library."""
    (tmp_path / "onnxruntime.py").write_text("raise RuntimeError('not the library')")
    small = [word if word != "im2col" else "onnxruntime" for word in SMALL]
    result = subprocess.run(
        [sys.executable, "-P", "-m", "bench", "run", *small, "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(result.stdout)["records"] == {"passed": 1}, result.stdout


def test_an_interrupted_run_says_how_to_resume_it(tmp_path: Path) -> None:
    """Ctrl-C reaches the command alone, because its workers have sessions of their own."""
    command = [sys.executable, "-m", "bench", "run", "--impl", "im2col", "--suite", "gspc", "--name", "long"]
    # Tests that a script starts in the background ignore SIGINT, and their child processes inherit that.
    previous_handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
        )
    finally:
        signal.signal(signal.SIGINT, previous_handler)
    with run:
        while not (tmp_path / "results/local/long/logs").exists():
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        _, stderr = run.communicate()
    assert run.returncode == 130
    assert stderr.decode() == "featherbench: stopped; what was measured is kept, and --resume goes on\n"


def test_no_arguments_print_the_help(tmp_path: Path) -> None:
    result = featherbench(cwd=tmp_path)
    assert result.returncode == 0
    assert result.stdout.count("\n") > 10
    assert "Commands:" in result.stdout


def test_list_shows_suites_targets_and_implementations(tmp_path: Path) -> None:
    listed = json.loads(featherbench("list", "--json", cwd=tmp_path).stdout)
    suites = listed["workloads"]["grouped_conv2d"]["suites"]
    assert (suites["first"], suites["quick"]) == (4, 6)
    assert set(listed["targets"]) == set(NAMES)
    text = featherbench("list", cwd=tmp_path).stdout
    assert "im2col" in text
    assert "target edge:avx2: " in text


def test_a_dry_run_without_choices_plans_the_first_suites(tmp_path: Path) -> None:
    planned = json.loads(featherbench("run", "--dry-run", "--json", cwd=tmp_path).stdout)
    assert {(key["workload"], key["case"]) for key in planned} == {
        (name, case.slug) for name, workload in registry.workloads().items() for case in workload.suites()["first"]
    }


def test_a_dry_run_plans_for_other_machines_and_estimates_the_time(tmp_path: Path) -> None:
    arguments = (
        "run",
        "sliding_channel_conv2d",
        "--impl",
        "masked_dense,native",
        "--target",
        "cuda:cold",
        "--budget",
        "5s",
    )
    result = featherbench(*arguments, "--dry-run", cwd=tmp_path)
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 6
    assert result.stdout.count("runs on cpu, edge, not on cuda: choose another with --target") == 3
    assert result.stderr.startswith("3 records, as far as implementations support them; about 15 s of timed rounds")
    assert ("not on this machine: target cuda:cold needs" in result.stderr) == bool(
        Target("cuda", "cold").unavailable()
    )


def test_a_missing_package_is_reported_as_the_reason(tmp_path: Path) -> None:
    name, package = "needs_what_is_not_installed", "featherbench-no-such-distribution"
    reason = f"needs {package}: pip install {package}"
    arguments = ("run", "--suite", "odd", "--impl", name, "--plugin", str(ACCIDENTS / f"{name}.py"))
    result = featherbench(*arguments, "--name", "none", cwd=tmp_path)
    assert result.stdout.splitlines()[0] == f"14 unsupported ({name}): {reason}"
    assert result.stdout.count(reason) == 1

    lines = featherbench(*arguments, "--dry-run", cwd=tmp_path).stdout.splitlines()
    assert len(lines) == 14
    assert all(line.endswith(f"edge: unsupported: {reason}") for line in lines)
    planned_keys = json.loads(featherbench(*arguments, "--dry-run", "--json", cwd=tmp_path).stdout)
    assert {key["unsupported"] for key in planned_keys} == {reason}

    compared = featherbench("compare", "none", cwd=tmp_path)
    assert compared.returncode == 2
    assert "and no implementation passed there" in compared.stderr


def test_new_writes_a_file_that_runs_and_passes(tmp_path: Path) -> None:
    assert featherbench("new", "grouped_conv2d", "my_kernel", cwd=tmp_path).returncode == 0
    small = [word if word != "im2col" else "my_kernel" for word in SMALL]
    result = featherbench("run", *small, "--plugin", "my_kernel.py", "--json", cwd=tmp_path)
    assert json.loads(result.stdout)["records"] == {"passed": 1}, result.stderr


def test_new_copies_the_baseline_of_a_workload_that_trains(tmp_path: Path) -> None:
    pytest.importorskip("torch_geometric")
    assert featherbench("new", "node_classification", "my_network", cwd=tmp_path).returncode == 0
    source = (tmp_path / "my_network.py").read_text()
    assert source.startswith('"""my_network: say here what it is."""')
    assert 'class MyNetwork(TrainedModel):\n    """Say in one line what it is; featherbench list shows it."""' in source
    assert "Gcn3" not in source
    assert "variants" not in source, "residual_gcn is a variant of the baseline's file"
    arguments = ["node_classification", "--plugin", "my_network.py", "--impl", "my_network,gcn3", "--budget", "0.1s"]
    result = featherbench("run", *arguments, "--case", "recipe=plain", "--name", "tried", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    mine, theirs = Run.open(tmp_path / "results/local/tried").records
    assert mine.check is not None
    assert theirs.check is not None
    assert mine.check.curves == theirs.check.curves


@pytest.mark.parametrize("command", ["list", "run", "compare", "report", "doctor", "new"])
def test_help_has_an_example(command: str, tmp_path: Path) -> None:
    help_text = featherbench(command, "--help", cwd=tmp_path).stdout
    assert f"Example: featherbench {command}" in help_text
