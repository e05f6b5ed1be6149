"""The command line as a whole: a usage error is one line that names the choices, with exit status 2."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bench.core.target import Target

Command = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["run", "conv9d"],
            "no workload 'conv9d'; choose from compression, diverse_grouped_conv2d, graph_propagation, grouped_conv2d, "
            "image_classification, implicit_sparsity, network_inference, node_classification, sliding_channel_conv2d",
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
            "no case of suite first has groups=7, and --case only filters; choose from 1, 6, 8, 16, 64",
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
def test_a_usage_error_is_one_line_that_names_the_choices(
    featherbench_in_process: Command, arguments: list[str], words: str, tmp_path: Path
) -> None:
    result = featherbench_in_process(*arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert words in result.stderr
    assert not (tmp_path / "results").exists()


def test_a_plugin_of_a_misspelt_workload_is_a_usage_error(featherbench: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Mine:\n    workload = 'gruoped_conv2d'\n")
    result = featherbench("run", "--impl", "mine", "--plugin", "mine.py", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "mine.py: unknown workload 'gruoped_conv2d'; choose from compression, diverse_grouped" in result.stderr


def test_no_arguments_print_the_help(featherbench: Command, tmp_path: Path) -> None:
    result = featherbench(cwd=tmp_path)
    assert result.returncode == 0
    assert result.stdout.count("\n") > 10
    assert "Commands:" in result.stdout


@pytest.mark.parametrize("command", ["list", "run", "compare", "report", "paper", "doctor", "new", "pack"])
def test_help_has_an_example(featherbench_in_process: Command, command: str, tmp_path: Path) -> None:
    help_text = featherbench_in_process(command, "--help", cwd=tmp_path).stdout
    assert f"Example: featherbench {command}" in help_text
