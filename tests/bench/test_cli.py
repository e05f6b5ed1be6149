"""The command line: wrong use is one line that names the choices, and exit status 2."""

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
from bench.report.compare import Row
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
        (["run", "grouped_conv2d", "--suite", "huge"], "no suite 'huge'; choose from quick, gspc, odd, full"),
        (
            ["run", "grouped_conv2d", "--impl", "pytorch,keras"],
            "no implementation 'keras' of grouped_conv2d; choose from",
        ),
        (["run", "grouped_conv2d", "--case", "depth=3"], "no parameter 'depth' to filter by; choose from n, cin, cout"),
        (["run", "--case", "groups=7"], "no case of suite quick has groups=7; choose from 1, 8, 16, 64, 6"),
        (
            ["run", "sliding_channel_conv2d", "--case", "dtype=float16"],
            "no case of suite quick has dtype=float16; choose from float32; or a suite that has it: dsxplore_128",
        ),
        (["run", "--case", "groups=8,16"], "and repeat --case groups=... for each of several"),
        (["run", "--target", "cuda,edge"], "cuda:graph, one for each run"),
        (
            ["run", "--case", "groups=6", "--case", "cin=64"],
            "no case of suite quick matches groups=6 and cin=64 together",
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
        (["report"], "no run in results/local yet; make one with: featherbench run"),
        (["report", "lost"], "no run 'lost'; choose from: latest"),
        (["compare", "a", "b", "c"], "compare takes one run or two, not 3"),
        (["compare", "a", "b", "--baseline", "pytorch"], "drop --baseline or give one run"),
        (["compare", "latest", "--margin", "small"], "'small' is not a share such as 5%"),
        (["compare", "latest", "--margin", "5"], "'5' is 100 % or more; write a share such as 5% or 0.05"),
        (["run", "--memory-limit", "4"], "'4' is too little for any worker; give at least 16MiB"),
        (["new", "grouped_conv2d", "class"], "'class' cannot name a Python file"),
        (["new", "grouped_conv2d", "2fast"], "'2fast' cannot name a Python file"),
        (["new", "grouped_conv2d", "im2col"], "has an implementation im2col already"),
        (["doctor", "--pairs", "0"], "--pairs"),
    ],
)
def test_wrong_use_is_one_line_that_names_the_choices(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = featherbench(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert words in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_plugin_of_a_misspelt_workload_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Mine:\n    workload = 'gruoped_conv2d'\n")
    done = featherbench("run", "--impl", "mine", "--plugin", "mine.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert (
        "mine.py names no known workload, but 'gruoped_conv2d'; choose from graph_propagation, grouped" in done.stderr
    )


def test_an_unwritable_results_folder_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    done = featherbench("run", *SMALL, "--results", "taken", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "choose another folder with --results" in done.stderr


def test_a_run_its_resumption_its_comparison_and_its_report(tmp_path: Path) -> None:
    first = featherbench("run", *SMALL, "--name", "mine", "--json", cwd=tmp_path)
    told = json.loads(first.stdout)
    assert (first.returncode, told["measured"], told["records"]) == (0, 1, {"passed": 1})

    again = featherbench("run", *SMALL, "--resume", "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["run"] == "mine"
    assert json.loads(again.stdout)["measured"] == 0

    taken = featherbench("run", *SMALL, "--name", "mine", cwd=tmp_path)
    assert taken.returncode == 2
    assert "exists already; add --resume" in taken.stderr

    other = featherbench("run", *SMALL, "--budget", "50ms", "--case", "n=1", "--name", "mine", "--resume", cwd=tmp_path)
    assert other.returncode == 2
    assert "was made by another request" in other.stderr

    unknown = featherbench("compare", "mine", "--baseline", "pytorch", cwd=tmp_path)
    assert unknown.returncode == 2
    assert "im2col" in unknown.stderr

    written = featherbench("report", "mine", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert Path(written.stdout.removeprefix("report: ").strip()).read_text().startswith("<!doctype html>")


def test_compare_fails_with_status_3_where_something_is_surely_slower(tmp_path: Path) -> None:
    """The plug-in answers right, but sleeps: slower than im2col beyond any noise."""
    featherbench("new", "grouped_conv2d", "sleepy", cwd=tmp_path)
    source = (tmp_path / "sleepy.py").read_text()
    awake = "            return slow_but_right"
    assert awake in source
    (tmp_path / "sleepy.py").write_text(
        "import time\n" + source.replace(awake, f"            time.sleep(0.02)\n{awake}")
    )
    cases = ("--suite", "odd", "--case", "kernel=1", "--impl", "im2col,sleepy", "--plugin", "sleepy.py")
    featherbench("run", *cases, "--budget", "1s", "--name", "both", cwd=tmp_path)

    slower = featherbench("compare", "both", "--baseline", "im2col", "--fail-if-slower", "5%", cwd=tmp_path)
    assert slower.returncode == 3
    assert "1 of 1 are slower by more than 5%" in slower.stderr
    wrong = featherbench("compare", "both", "--baseline", "im2col", "--fail-if-slower", "fast", cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    fine = featherbench("compare", "both", "--baseline", "sleepy", "--fail-if-slower", "5%", "--json", cwd=tmp_path)
    assert fine.returncode == 0
    assert json.loads(fine.stdout)[0]["verdict"] == "faster"


def test_compare_tells_what_to_mind_and_prints_no_infinity() -> None:
    ratio = Interval(0.5, 0.0, math.inf, 0.999)
    row = Row("run", "conv", "fast", "n=1", "edge", "slow", 0.01, ratio, Verdict.CANNOT_TELL, "not in turns")
    (text,) = cli_compare.row_texts([row], {})
    assert text.endswith("n=1: 0.500 [0.000, inf] of the time of slow: cannot tell; not in turns")
    told = json.loads(json.dumps(cli_compare.row_json(row, []), allow_nan=False))
    assert told["ratio"] == {"estimate": 0.5, "low": 0.0, "high": None, "confidence": 0.999}


def test_compare_tells_the_metric_that_models_are_judged_by_and_in_json_all() -> None:
    ratio = Interval(1.5, 1.4, 1.6, 0.95)
    row = Row(
        "run", "node_classification", "mine", "", "edge", "gcn3", 0.01, ratio, Verdict.SLOWER, cases=("", "seed=1")
    )
    judged = Metric("accuracy", "test accuracy", "", share=True, more_is_better=True)
    epochs = Metric("epochs", "epochs to converge", "", more_is_better=False)
    differences = [
        Difference("mine", judged, 2, Interval(0.0155, 0.0058, math.inf, 0.95), 0.0468, Finding.BETTER),
        Difference("mine", epochs, 2, Interval(-3.25, -7.0, 0.5, 0.95), 0.25, Finding.CANNOT_TELL),
    ]
    assert list(cli_compare.row_texts([row], {row: differences})) == [
        f"{'mine':24}(defaults), 2 repeats: 1.500 [1.400, 1.600] of the time of gcn3: slower",
        f"{'':24}test accuracy +1.55 points [+0.58, +inf], corrected p 0.047: better",
    ]
    metrics = json.loads(json.dumps(cli_compare.row_json(row, differences), allow_nan=False))["metrics"]
    assert metrics["accuracy"]["difference"] == {"estimate": 0.0155, "low": 0.0058, "high": None, "confidence": 0.95}
    assert metrics["epochs"]["finding"] == "cannot tell"
    assert (metrics["epochs"]["repeats"], metrics["epochs"]["p"]) == (2, 0.25)


TRAINED = ROOT / "results" / "reference" / "node_classification-multipath-edge-zen5"


def test_compare_of_a_recorded_run_of_models_tells_times_and_accuracy() -> None:
    told = featherbench("compare", str(TRAINED), cwd=ROOT).stdout.splitlines()
    assert len(told) == 2 * 6 * 12, "two datasets, three recipes, all models but the baseline; a line of each"
    assert re.fullmatch(r"gat +dataset=cora,split=public, 10 repeats: \d.* of the time of gcn3: \w+", told[0])
    assert re.fullmatch(r" +test accuracy [+-]\d.* points \[.*\], corrected p \S+: (better|worse|cannot tell)", told[1])
    rows = json.loads(featherbench("compare", str(TRAINED), "--json", cwd=ROOT).stdout)
    assert {len(row["cases"]) for row in rows} == {10}
    assert {"accuracy", "accuracy_peeking", "epochs_to_converge"} <= rows[0]["metrics"].keys()


def test_compare_of_two_runs_of_models_pairs_their_seeds() -> None:
    rows = json.loads(featherbench("compare", str(TRAINED), str(TRAINED), "--json", cwd=ROOT).stdout)
    assert len(rows) == 6 * 13
    for row in rows:
        assert row["metrics"]["accuracy"]["difference"]["estimate"] == 0
        assert (row["metrics"]["accuracy"]["repeats"], row["metrics"]["accuracy"]["p"]) == (10, 1)


def test_compare_says_where_repeats_are_too_few_for_any_difference() -> None:
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


def test_compare_says_where_the_metric_that_models_are_judged_by_is_missing() -> None:
    other = registry.workload("node_classification").metrics[1]
    found = Difference("mine", other, 2, Interval(0.01, 0.0, 0.02, 0.95), 0.5, Finding.CANNOT_TELL)
    assert cli_compare.judged_text("node_classification", [found]) == (
        "test accuracy: no difference, as it is missing or not finite in some repeat"
    )


def test_files_in_the_current_folder_do_not_get_in_the_way(tmp_path: Path) -> None:
    """A user's own file of a library's name lies where the command is called."""
    (tmp_path / "onnxruntime.py").write_text("raise RuntimeError('not the library')")
    small = [word if word != "im2col" else "onnxruntime" for word in SMALL]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bench", "run", *small, "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout)["records"] == {"passed": 1}, done.stdout


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C reaches the command alone: its workers are in sessions of their own."""
    command = [sys.executable, "-m", "bench", "run", "--impl", "im2col", "--suite", "gspc", "--name", "long"]
    # Started in the background of a script, the tests ignore SIGINT, and so would what they start.
    at_hand = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
        )
    finally:
        signal.signal(signal.SIGINT, at_hand)
    with run:
        while not (tmp_path / "results/local/long/logs").exists():
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        _, told = run.communicate()
    assert run.returncode == 130
    assert told.decode() == "featherbench: stopped; what was measured is kept, and --resume goes on\n"


def test_no_arguments_print_the_help(tmp_path: Path) -> None:
    done = featherbench(cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.count("\n") > 10
    assert "Commands:" in done.stdout


def test_list_says_what_is_there(tmp_path: Path) -> None:
    told = json.loads(featherbench("list", "--json", cwd=tmp_path).stdout)
    assert told["workloads"]["grouped_conv2d"]["suites"]["quick"] == 6
    assert set(told["targets"]) == set(NAMES)
    text = featherbench("list", cwd=tmp_path).stdout
    assert "im2col" in text
    assert "target edge:avx2: " in text


def test_a_dry_run_plans_for_other_machines_too_and_says_how_much_it_is(tmp_path: Path) -> None:
    asked = (
        "run",
        "sliding_channel_conv2d",
        "--impl",
        "masked_dense,native",
        "--target",
        "cuda:cold",
        "--budget",
        "5s",
    )
    done = featherbench(*asked, "--dry-run", cwd=tmp_path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 12
    assert done.stdout.count("runs on cpu, edge, not on cuda: choose another with --target") == 6
    assert done.stderr.startswith("6 records, as far as implementations support them; about 30 s of timed rounds")
    assert ("not on this machine: target cuda:cold needs" in done.stderr) == bool(Target("cuda", "cold").unavailable())


def test_what_is_not_installed_is_told_with_its_reason(tmp_path: Path) -> None:
    absent, missing = "needs_what_is_not_installed", "featherbench-no-such-distribution"
    reason = f"needs {missing}: pip install {missing}"
    lacking = ("run", "--suite", "odd", "--impl", absent, "--plugin", str(ACCIDENTS / f"{absent}.py"))
    done = featherbench(*lacking, "--name", "none", cwd=tmp_path)
    assert done.stdout.splitlines()[0] == f"14 unsupported ({absent}): {reason}"
    assert done.stdout.count(reason) == 1

    planned = featherbench(*lacking, "--dry-run", cwd=tmp_path).stdout.splitlines()
    assert len(planned) == 14
    assert all(line.endswith(f"edge: unsupported: {reason}") for line in planned)
    told = json.loads(featherbench(*lacking, "--dry-run", "--json", cwd=tmp_path).stdout)
    assert {key["unsupported"] for key in told} == {reason}

    compared = featherbench("compare", "none", cwd=tmp_path)
    assert compared.returncode == 2
    assert "nor has anything passed there" in compared.stderr


def test_new_writes_a_file_that_runs_and_passes(tmp_path: Path) -> None:
    assert featherbench("new", "grouped_conv2d", "my_kernel", cwd=tmp_path).returncode == 0
    small = [word if word != "im2col" else "my_kernel" for word in SMALL]
    done = featherbench("run", *small, "--plugin", "my_kernel.py", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["records"] == {"passed": 1}, done.stderr


def test_new_of_a_workload_that_trains_is_its_baseline_to_change(tmp_path: Path) -> None:
    pytest.importorskip("torch_geometric")
    assert featherbench("new", "node_classification", "my_network", cwd=tmp_path).returncode == 0
    written = (tmp_path / "my_network.py").read_text()
    assert written.startswith('"""my_network: say here what it is."""')
    assert (
        'class MyNetwork(TrainedModel):\n    """Say in one line what it is; featherbench list shows it."""' in written
    )
    assert "Gcn3" not in written
    arguments = ["node_classification", "--plugin", "my_network.py", "--impl", "my_network,gcn3", "--budget", "0.1s"]
    done = featherbench("run", *arguments, "--case", "recipe=plain", "--name", "tried", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    mine, theirs = Run.open(tmp_path / "results/local/tried").records
    assert mine.check is not None
    assert theirs.check is not None
    assert mine.check.curves == theirs.check.curves


@pytest.mark.parametrize("command", ["list", "run", "compare", "report", "doctor", "new"])
def test_help_has_an_example(command: str, tmp_path: Path) -> None:
    told = featherbench(command, "--help", cwd=tmp_path).stdout
    assert f"Example: featherbench {command}" in told
