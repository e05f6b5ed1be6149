"""``featherbench profile``: the times of layers, of implementations with a profiler and right outputs."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]
SMALL = ("--suite", "odd", "--case", "kernel=1")
LAYERED = '''
from bench.core.layer_samples import LayerSamples
from impls.grouped_conv2d.im2col import Im2col


class Layered(Im2col):
    """im2col that tells the times of two layers."""

    workload = "grouped_conv2d"
    {body}

    def has_layer_times(self, target):
        return True

    def layer_times(self, problem, target, calls):
        return [LayerSamples("unfold", [0.003] * (calls - 1) + [9.0]), LayerSamples("multiply", [0.001])]
'''
WRONG = "prepare = lambda self, problem, target: lambda: 2 * Im2col.prepare(self, problem, target)()"


@pytest.fixture
def plugins(tmp_path: Path) -> list[str]:
    (tmp_path / "layered.py").write_text(LAYERED.replace("{body}", ""))
    (tmp_path / "wrong.py").write_text(LAYERED.replace("Layered", "Wrong").replace("{body}", WRONG))
    return ["--plugin", "layered.py", "--plugin", "wrong.py"]


def test_layers_stand_in_order_with_their_sum_beside_the_latency(
    featherbench: Command, tmp_path: Path, plugins: list[str]
) -> None:
    result = featherbench("profile", "grouped_conv2d", *SMALL, "--impl", "layered", *plugins, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == "profiling layered\n"
    lines = result.stdout.splitlines()
    assert "kernel=1" in lines[0]
    assert [line.split() for line in lines[1:4]] == [
        ["implementation", "time", "share", "layer"],
        ["layered", "3.000", "ms", "75.0", "%", "unfold"],
        ["layered", "1.000", "ms", "25.0", "%", "multiply"],
    ]
    name, count, total, unit, latency, *_ = lines[6].split()
    assert (name, count, total, unit) == ("layered", "2", "4.000", "ms")
    assert float(latency) > 0
    assert "Profiling adds overhead" in lines[-1]


def test_what_has_no_profiler_or_is_wrong_has_no_layers(
    featherbench: Command, tmp_path: Path, plugins: list[str]
) -> None:
    chosen = ("--impl", "im2col,wrong", *plugins, "--json")
    result = featherbench("profile", "grouped_conv2d", *SMALL, *chosen, cwd=tmp_path)
    assert result.returncode == 1, "an output is wrong"
    im2col, wrong = sorted(json.loads(result.stdout), key=lambda profile: str(profile["implementation"]))
    assert (im2col["status"], im2col["reason"]) == ("unsupported", "its layers cannot be timed: no profiler")
    assert wrong["status"] == "incorrect"
    assert "is above the tolerance" in wrong["reason"]
    assert (wrong["layers"], wrong["latency_s"]) == ([], None)


def test_a_workload_or_a_model_has_to_be_named(featherbench: Command, tmp_path: Path) -> None:
    completed = featherbench("profile", "--suite", "quick", cwd=tmp_path)
    assert completed.returncode == 2
    assert "name a workload, see featherbench list, or give a model of your own with --model" in completed.stderr
