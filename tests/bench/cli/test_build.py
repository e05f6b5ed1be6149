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
    assert (again.returncode, again.stdout) == (0, "everything is already built\n")


def test_a_workload_without_artifacts_and_environments_is_refused(featherbench: Command, tmp_path: Path) -> None:
    result = featherbench("build", "graph_propagation", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.strip() == (
        "featherbench: graph_propagation uses neither artifacts nor environments; measure it with featherbench run"
    )


PINNED = '''
from impls.grouped_conv2d.im2col import Im2col


class Pinned(Im2col):
    """im2col beside an old typer."""

    workload = "grouped_conv2d"
    environment = ("typer==0.1.0",)
'''


def test_an_environment_is_announced_installed_and_listed(
    featherbench: Command, tmp_path: Path, installable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEATHERBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    plugin = tmp_path / "pinned.py"
    plugin.write_text(PINNED)
    selection = ("grouped_conv2d", "--impl", "pinned", "--plugin", str(plugin))

    def listed() -> str:
        lines = featherbench("list", "--plugin", str(plugin), cwd=tmp_path).stdout.splitlines()
        return next(line for line in lines if line.startswith("pinned "))

    command = f"featherbench build {' '.join(selection)}"
    assert listed().endswith(f"; needs an environment of its own (typer==0.1.0): {command}")
    dry = featherbench("run", *selection, "--dry-run", cwd=tmp_path)
    assert "it first installs typer==0.1.0 for grouped_conv2d/pinned\n" in dry.stderr
    dry = featherbench("build", *selection, "--dry-run", cwd=tmp_path)
    assert dry.stdout.endswith(" typer==0.1.0 for grouped_conv2d/pinned\n")
    assert "1 environment to install" in dry.stderr

    built = featherbench("build", *selection, "--json", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    assert built.stderr == "installing typer==0.1.0 for grouped_conv2d/pinned\n"
    (installation,) = json.loads(built.stdout)
    packages = tmp_path / "environments" / installation["key"] / "packages"
    assert (packages / "typer").is_dir()
    assert installation["seconds"] > 0
    assert listed().endswith(f"; its environment is installed: {packages}")
    assert featherbench("build", *selection, cwd=tmp_path).stdout == "everything is already built\n"


def test_an_environment_that_cannot_be_installed_is_a_line(
    featherbench: Command, tmp_path: Path, installable: Path
) -> None:
    plugin = tmp_path / "pinned.py"
    plugin.write_text(PINNED.replace("0.1.0", "0.2.0"))
    built = featherbench("build", "grouped_conv2d", "--impl", "pinned", "--plugin", str(plugin), cwd=tmp_path)
    assert built.returncode == 1
    (line,) = built.stdout.splitlines()
    assert line.startswith("failed: typer==0.2.0 for grouped_conv2d/pinned: cannot install typer==0.2.0: ")


def test_without_a_workload_it_builds_for_all_that_use_artifacts(featherbench: Command, tmp_path: Path) -> None:
    dry = featherbench("build", "--suite", "quick", "--dry-run", "--json", cwd=tmp_path)
    labels = [job["label"] for job in json.loads(dry.stdout)]
    blocks = [label for label in labels if label.startswith("resnet8 ") and label.endswith("smoke epochs=6 seed=1")]
    assert len(blocks) == 11
    assert any(label.startswith("basic_net adam ") for label in labels)


def test_an_unknown_dataset_is_one_line(featherbench: Command, tmp_path: Path) -> None:
    result = featherbench("build", "image_classification", "--problem", "dataset=imagenet22k", cwd=tmp_path)
    assert result.returncode == 2
    assert "no dataset of images 'imagenet22k'; choose from " in result.stderr
    assert result.stderr.count("\n") == 1


def test_its_help_speaks_of_building_not_of_measuring(featherbench: Command, tmp_path: Path) -> None:
    shown = featherbench("build", "--help", cwd=tmp_path).stdout
    assert "Take only these implementations" in shown
    assert "easure" not in shown
