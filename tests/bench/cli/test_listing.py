"""What ``featherbench list`` shows."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from bench.core.target import NAMES

Command = Callable[..., CompletedProcess[str]]
ACCIDENTS = Path(__file__).parents[1] / "accidents"


def test_list_shows_suites_targets_and_implementations(featherbench_in_process: Command, tmp_path: Path) -> None:
    listed = json.loads(featherbench_in_process("list", "--json", cwd=tmp_path).stdout)
    suites = listed["workloads"]["grouped_conv2d"]["suites"]
    assert (suites["first"], suites["quick"]) == (4, 6)
    assert set(listed["targets"]) == set(NAMES)
    lines = featherbench_in_process("list", cwd=tmp_path).stdout.splitlines()
    assert [line.split()[:3] for line in lines if line.startswith("im2col ")] == [
        ["im2col", "grouped_conv2d", "cpu,edge"]
    ]
    assert [line.split()[0] for line in lines[-len(NAMES) :]] == list(NAMES)


def test_list_says_what_is_missing(featherbench_in_process: Command, tmp_path: Path) -> None:
    name = "needs_what_is_not_installed"
    lines = featherbench_in_process("list", "--plugin", str(ACCIDENTS / f"{name}.py"), cwd=tmp_path).stdout.splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name} ")]
    assert line.split()[1:3] == ["grouped_conv2d", "cpu,edge"]
    assert line.endswith("; needs featherbench-no-such-distribution: pip install featherbench-no-such-distribution")


def test_list_names_plugins_that_cannot_be_used(featherbench_in_process: Command, tmp_path: Path) -> None:
    plugin = ACCIDENTS / "holds_no_implementation.py"
    text = featherbench_in_process("list", "--plugin", str(plugin), cwd=tmp_path).stdout
    assert f"{plugin} cannot be used: it names no known workload\n" in text
