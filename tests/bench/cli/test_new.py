"""``featherbench new`` writes files that run."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bench.store import Run

Command = Callable[..., CompletedProcess[str]]
EXAMPLE = Path(__file__).parents[3] / "docs/examples/conv1d"
SMALL = ("--suite", "odd", "--case", "kernel=1", "--impl", "my_kernel", "--budget", "100ms")


def test_new_writes_a_file_that_runs_and_passes(featherbench: Command, tmp_path: Path) -> None:
    assert featherbench("new", "grouped_conv2d", "my_kernel", cwd=tmp_path).returncode == 0
    result = featherbench("run", *SMALL, "--plugin", "my_kernel.py", "--json", cwd=tmp_path)
    assert json.loads(result.stdout)["records"] == {"passed": 1}, result.stderr


def test_new_writes_beside_a_workload_of_ones_own(featherbench: Command, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "conv1d", ignore=shutil.ignore_patterns("__pycache__"))
    wrote = featherbench("new", "conv1d", "my_kernel", "--plugin", "conv1d", cwd=tmp_path)
    assert wrote.returncode == 0, wrote.stderr
    command = re.search(r"measure it: featherbench (.*)", wrote.stdout)
    assert command
    assert command[1] == "run conv1d --impl my_kernel,pytorch --plugin conv1d"
    problem = ("--problem", "cin=4,cout=4,length=9", "--budget", "0.1s", "--json")
    result = featherbench(*command[1].split(), *problem, cwd=tmp_path)
    assert json.loads(result.stdout)["records"] == {"passed": 2}, result.stderr


def test_new_copies_the_baseline_of_a_workload_that_trains(featherbench: Command, tmp_path: Path) -> None:
    pytest.importorskip("torch_geometric")
    assert featherbench("new", "node_classification", "my_network", cwd=tmp_path).returncode == 0
    source = (tmp_path / "my_network.py").read_text()
    assert source.startswith('"""my_network: say here what it is."""')
    assert 'class MyNetwork(TrainedModel):\n    """Say in one line what it is; featherbench list shows it."""' in source
    assert "Gcn3" not in source
    assert "paper" not in source, "the network is the user's own"
    arguments = ["node_classification", "--plugin", "my_network.py", "--impl", "my_network,gcn3", "--budget", "0.1s"]
    result = featherbench("run", *arguments, "--case", "recipe=plain", "--name", "tried", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    mine, theirs = Run.open(tmp_path / "results/local/tried").records
    assert mine.check is not None
    assert theirs.check is not None
    assert mine.check.curves == theirs.check.curves
