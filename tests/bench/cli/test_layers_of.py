"""``run --layers-of``: a model's layers are measured and added up, and what cannot be read is refused in one line."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bench.store import Run

Command = Callable[..., CompletedProcess[str]]
MODEL = """
from torch import nn

def make():
    block = [nn.Conv2d(8, 8, 3, padding=1, groups=4), nn.ReLU()]
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *block, nn.Conv2d(8, 8, 3, padding=1, groups=4), nn.Flatten())
"""
MEASURE = ("run", "--layers-of", "own_model:make", "--input-size", "1x3x16x16")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own_model.py").write_text(MODEL)
    return tmp_path


def test_a_model_is_measured_and_added_up(featherbench: Command, folder: Path) -> None:
    measured = featherbench(*MEASURE, "--impl", "pytorch,im2col", "--budget", "0.2s", "--name", "own", cwd=folder)
    assert measured.returncode == 0, measured.stderr
    whole_model = measured.stdout[measured.stdout.index("own_model:make: 3 layers, 2 distinct") :].partition("\n\n")[0]
    assert "best mix: " in whole_model
    assert whole_model in featherbench("compare", "own", cwd=folder).stdout
    run = Run.open(folder / "results/local/own")
    assert {record.case for record in run.records} == {
        "cin=3,cout=8,h=16,w=16,bias=true",
        "cin=8,cout=8,h=16,w=16,groups=4,bias=true",
    }
    resumed = featherbench(*MEASURE, "--impl", "pytorch,im2col", "--budget", "0.2s", "--resume", cwd=folder)
    assert "measured 0 records" in resumed.stdout
    assert featherbench("report", "own", "--axis", "channels_per_group", cwd=folder).returncode == 0
    assert "Whole models" in (folder / "reports/build/own.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--layers-of", "own_model:make"], "give the size of its input, such as --input-size 1x3x224x224"),
        (["--layers-of", "own_model:make", "--suite", "odd"], "drop --suite, --case and --problem"),
        (["--layers-of", "missing.onnx"], "cannot read missing.onnx: No such file or directory"),
        (["--input-size", "1x3x8x8"], "--input-size needs a model"),
        (["--layers-of", "own_model:make", "--input-size", "1x3"], "cannot be traced by torch.export for input 1x3"),
    ],
)
def test_a_wrong_use_is_refused_in_one_line(
    arguments: list[str], words: str, featherbench: Command, folder: Path
) -> None:
    result = featherbench("run", *arguments, cwd=folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_unknown_axis_is_refused_with_the_choices(featherbench: Command, tmp_path: Path) -> None:
    root = Path(__file__).parents[3] / "results/reference/grouped_conv2d-odd-edge-zen5"
    result = featherbench("report", str(root), "--axis", "depth", cwd=tmp_path)
    assert result.returncode == 2
    assert "no case has a parameter 'depth'; choose from n, cin, cout" in result.stderr


def test_a_whole_model_is_measured_with_the_weights_that_it_has(featherbench: Command, folder: Path) -> None:
    whole = ("--model", "own_model:make", "--input-size", "2x3x16x12", "--impl", "pytorch,onnxruntime")
    measured = featherbench("run", *whole, "--budget", "0.2s", "--name", "own", cwd=folder)
    assert measured.returncode == 0, measured.stderr
    run = Run.open(folder / "results/local/own")
    assert {(record.workload, record.case, record.status.value) for record in run.records} == {
        ("network_inference", "network=own_model:make,size=16x12,batch=2", "passed")
    }


def test_a_whole_model_stands_in_place_of_a_suite(featherbench: Command, folder: Path) -> None:
    for arguments, words in (
        (("--suite", "quick"), "--model stands in place of a suite"),
        (("grouped_conv2d",), "grouped_conv2d cannot run a whole model; drop the workload, and one that can is chosen"),
    ):
        result = featherbench("run", "--model", "own_model:make", "--input-size", "1x3x8x8", *arguments, cwd=folder)
        assert (result.returncode, result.stdout) == (2, "")
        assert words in result.stderr
