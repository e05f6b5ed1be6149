"""``featherbench build``: what it makes, prints and refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

pytest.importorskip("sklearn")
Command = Callable[..., CompletedProcess[str]]
SMALL = ("image_classification", "--problem", "recipe=smoke,epochs=1", "--impl", "dw_pw")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FEATHERBENCH_ARTIFACTS", str(tmp_path / "artifacts"))
    return tmp_path / "artifacts"


def test_it_says_what_is_missing_makes_it_and_then_has_nothing_to_do(
    featherbench: Command, folder: Path, tmp_path: Path
) -> None:
    dry = featherbench("build", *SMALL, "--dry-run", cwd=tmp_path)
    assert dry.returncode == 0
    key, label = dry.stdout.strip().split(" ", 1)
    assert label == "resnet8 x1 dw_pw digits smoke epochs=1 seed=0"
    assert "1 artifact to build" in dry.stderr
    assert not folder.exists()

    built = featherbench("build", *SMALL, "--json", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    (job,) = json.loads(built.stdout)
    assert (job["key"], job["label"], job["failure"]) == (key, label, "")
    assert job["seconds"] > 0
    assert {path.name for path in folder.iterdir()} == {key, "logs"}
    assert built.stderr.splitlines()[0] == "building 1 artifact"
    assert built.stderr.splitlines()[-1].startswith(f"built {label} in ")

    again = featherbench("build", *SMALL, cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, "all artifacts are already built\n")


def test_a_workload_without_artifacts_is_refused(featherbench: Command, tmp_path: Path) -> None:
    result = featherbench("build", "grouped_conv2d", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.strip() == (
        "featherbench: grouped_conv2d uses neither artifacts nor environments; measure it with featherbench run"
    )


def test_without_a_workload_it_builds_for_all_that_use_artifacts(featherbench: Command, tmp_path: Path) -> None:
    dry = featherbench("build", "--suite", "quick", "--dry-run", "--json", cwd=tmp_path)
    labels = [job["label"] for job in json.loads(dry.stdout)]
    assert sum("digits smoke epochs=6 seed=1" in label for label in labels) == 11


def test_an_unknown_dataset_is_one_line(featherbench: Command, tmp_path: Path) -> None:
    result = featherbench("build", "image_classification", "--problem", "dataset=imagenet22k", cwd=tmp_path)
    assert result.returncode == 2
    assert "no dataset of images 'imagenet22k'; choose from " in result.stderr
    assert result.stderr.count("\n") == 1


def test_its_help_speaks_of_building_not_of_measuring(featherbench: Command, tmp_path: Path) -> None:
    shown = featherbench("build", "--help", cwd=tmp_path).stdout
    assert "Take only these implementations" in shown
    assert "easure" not in shown
