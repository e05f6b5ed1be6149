"""What ``featherbench list`` shows."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from bench.core.target import NAMES

Command = Callable[..., CompletedProcess[str]]


def test_list_shows_suites_targets_and_implementations(featherbench: Command, tmp_path: Path) -> None:
    listed = json.loads(featherbench("list", "--json", cwd=tmp_path).stdout)
    suites = listed["workloads"]["grouped_conv2d"]["suites"]
    assert (suites["first"], suites["quick"]) == (4, 6)
    assert set(listed["targets"]) == set(NAMES)
    text = featherbench("list", cwd=tmp_path).stdout
    assert "im2col" in text
    assert "target edge:avx2: " in text
