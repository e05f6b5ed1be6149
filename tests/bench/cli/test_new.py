"""``featherbench new`` writes files that run."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bench.store import Run

Command = Callable[..., CompletedProcess[str]]
SMALL = ("--suite", "odd", "--case", "kernel=1", "--impl", "my_kernel", "--budget", "100ms")


def test_new_writes_a_file_that_runs_and_passes(featherbench: Command, tmp_path: Path) -> None:
    assert featherbench("new", "grouped_conv2d", "my_kernel", cwd=tmp_path).returncode == 0
    result = featherbench("run", *SMALL, "--plugin", "my_kernel.py", "--json", cwd=tmp_path)
    assert json.loads(result.stdout)["records"] == {"passed": 1}, result.stderr


def test_new_copies_the_baseline_of_a_workload_that_trains(featherbench: Command, tmp_path: Path) -> None:
    pytest.importorskip("torch_geometric")
    assert featherbench("new", "node_classification", "my_network", cwd=tmp_path).returncode == 0
    source = (tmp_path / "my_network.py").read_text()
    assert source.startswith('"""my_network: say here what it is."""')
    assert 'class MyNetwork(TrainedModel):\n    """Say in one line what it is; featherbench list shows it."""' in source
    assert "Gcn3" not in source
    assert "variants" not in source, "residual_gcn is a variant of the baseline's file"
    assert "paper" not in source, "the network is the user's own"
    arguments = ["node_classification", "--plugin", "my_network.py", "--impl", "my_network,gcn3", "--budget", "0.1s"]
    result = featherbench("run", *arguments, "--case", "recipe=plain", "--name", "tried", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    mine, theirs = Run.open(tmp_path / "results/local/tried").records
    assert mine.check is not None
    assert theirs.check is not None
    assert mine.check.curves == theirs.check.curves
