"""``featherbench compare``: what it compares, refuses and exits with."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bench.store.parquet import read_packed

Command = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[3]
TRAINED = ROOT / "results" / "reference" / "node_classification-multipath-edge-zen5"


def test_compare_exits_with_status_3_when_an_implementation_is_slower(featherbench: Command, tmp_path: Path) -> None:
    """The plug-in computes the right output, but sleeps, so it is slower than im2col beyond any noise."""
    featherbench("new", "grouped_conv2d", "sleepy", cwd=tmp_path)
    source = (tmp_path / "sleepy.py").read_text()
    return_line = "            return slow_but_right"
    assert return_line in source
    (tmp_path / "sleepy.py").write_text(
        "import time\n" + source.replace(return_line, f"            time.sleep(0.02)\n{return_line}")
    )
    cases = ("--suite", "odd", "--case", "kernel=1", "--impl", "im2col,sleepy", "--plugin", "sleepy.py")
    featherbench("run", *cases, "--budget", "0.3s", "--name", "both", cwd=tmp_path)

    slower = featherbench("compare", "both", "--baseline", "im2col", "--fail-if-slower", "5%", cwd=tmp_path)
    assert slower.returncode == 3
    assert "1 of 1 are slower by more than 5%" in slower.stderr
    bad_margin = featherbench("compare", "both", "--baseline", "im2col", "--fail-if-slower", "fast", cwd=tmp_path)
    assert (bad_margin.returncode, bad_margin.stdout) == (2, "")
    faster = featherbench("compare", "both", "--baseline", "sleepy", "--fail-if-slower", "5%", "--json", cwd=tmp_path)
    assert faster.returncode == 0
    assert json.loads(faster.stdout)[0]["verdict"] == "faster"


def test_compare_shows_only_the_cases_and_implementations_asked_for(featherbench_in_process: Command) -> None:
    grouped = ("compare", "grouped_conv2d-gspc-edge-zen5", "--case", "cin=64", "--case", "h=56", "--case", "stride=1")
    chosen = ("--case", "groups=8", "--case", "groups=16", "--impl", "native,tflite")
    shown = json.loads(featherbench_in_process(*grouped, *chosen, "--json", cwd=ROOT).stdout)
    assert {(row["implementation"], row["case"].rpartition("=")[2]) for row in shown} == {
        (name, groups) for name in ("native", "tflite") for groups in ("8", "16")
    }
    every = json.loads(featherbench_in_process("compare", grouped[1], "--json", cwd=ROOT).stdout)
    assert all(row in every for row in shown), "verdicts are corrected for all comparisons of the run"
    heading, setting, cases, _, *lines = featherbench_in_process(*grouped, *chosen, cwd=ROOT).stdout.splitlines()
    assert heading == "grouped_conv2d: Grouped 2-D convolution, on edge"
    assert f"corrected for {sum(row['ratio'] is not None for row in every)} comparisons" in setting
    assert cases == "2 cases, all with cin=64,cout=64,h=56,w=56"
    assert [line.split()[:2] for line in lines[:4]] == [
        ["native", "groups=8"],
        ["tflite", "groups=8"],
        ["native", "groups=16"],
        ["tflite", "groups=16"],
    ]
    refused = featherbench_in_process(*grouped, "--case", "groups=7", cwd=ROOT)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "has groups=7, and --case only filters; choose from 1, 2, 4, 8, 16, 64\n" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--impl", "native,keras"],
            "no implementation 'keras' in run grouped_conv2d-gspc-edge-zen5; choose from im2col",
        ),
        (
            ["--case", "groups=8", "--case", "groups=nine"],
            "has groups=nine, and --case only filters; choose from 1, 2, 4, 8, 16, 32, 64",
        ),
        (["--case", "grops=8"], "no parameter 'grops' to filter by; choose from n, cin, cout, h, w"),
        (["--case", "groups"], "--case 'groups' has no value; write NAME=VALUE, such as groups=1"),
        (["--case", "groups=128", "--case", "cin=64"], "matches groups=128 and cin=64 together; drop one of them"),
        (["--impl", "pytorch"], "no comparison of the run matches all of --impl and --case"),
    ],
)
def test_compare_refuses_what_the_run_does_not_have(
    featherbench_in_process: Command, arguments: list[str], words: str
) -> None:
    refused = featherbench_in_process("compare", "grouped_conv2d-gspc-edge-zen5", *arguments, cwd=ROOT)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert words in refused.stderr


def test_runs_of_a_workload_that_this_checkout_does_not_know_are_compared(
    featherbench: Command, tmp_path: Path
) -> None:
    known = ROOT / "results/reference/graph_propagation-graphs-edge-zen5"
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        lines = b"".join(line + b"\n" for line in read_packed(known / "records.parquet"))
        for file, content in (("run.json", (known / "run.json").read_bytes()), ("records.jsonl", lines)):
            (tmp_path / name / file).write_bytes(content.replace(b"graph_propagation", b"forgotten_workload"))
    compared = featherbench("compare", str(tmp_path / "new"), str(tmp_path / "old"), "--impl", "pyg", cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    heading, *_, last = compared.stdout.splitlines()
    assert heading == "forgotten_workload, on edge"
    assert "pyg " in compared.stdout
    assert "1.000 [" in compared.stdout
    assert last.startswith("note for all ratios: ")


def test_compare_refuses_to_filter_by_a_seed(featherbench_in_process: Command) -> None:
    refused = featherbench_in_process("compare", str(TRAINED), "--case", "seed=3", cwd=ROOT)
    assert refused.returncode == 2
    assert "cases that differ in seed are repeats" in refused.stderr


def test_compare_of_a_recorded_run_of_models_prints_times_and_accuracy(featherbench_in_process: Command) -> None:
    lines = featherbench_in_process("compare", str(TRAINED), cwd=ROOT).stdout.splitlines()
    case, ratio = r"dataset=cora,recipe=plain,hidden=128,epochs=100", r"\d\.\d+ \[\d\.\d+, \d\.\d+\]"
    time = rf"gat +{case} +10 +\S+ ms \[.*\] +\S+ ms +{ratio} +(faster|slower|cannot tell)"
    accuracy = rf"gat +{case} +[+-]\S+ \[[+-]\S+, [+-]\S+\] +\S+ +(better|worse|cannot tell)"
    for pattern in (time, accuracy):
        assert sum(re.fullmatch(pattern, line) is not None for line in lines) == 1
    rows_of_cases = [line for line in lines if "dataset=" in line and "recipe=" in line]
    assert len(rows_of_cases) == 2 * 6 * 12, "two datasets, three recipes, all models but the baseline; a row of each"
    assert sum(" 6 of 6 " in line for line in lines) == 12
    rows = json.loads(featherbench_in_process("compare", str(TRAINED), "--json", cwd=ROOT).stdout)
    assert {len(row["cases"]) for row in rows} == {10}
    assert {"accuracy", "accuracy_peeking", "epochs_to_converge"} <= rows[0]["metrics"].keys()


def test_compare_of_two_runs_of_models_pairs_their_seeds(featherbench_in_process: Command) -> None:
    rows = json.loads(featherbench_in_process("compare", str(TRAINED), str(TRAINED), "--json", cwd=ROOT).stdout)
    assert len(rows) == 6 * 13
    for row in rows:
        assert row["metrics"]["accuracy"]["difference"]["estimate"] == 0
        assert (row["metrics"]["accuracy"]["repeats"], row["metrics"]["accuracy"]["p"]) == (10, 1)
