"""The example of a workload outside the checkout, which docs/workloads.md shows, runs, resumes and is compared."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bench

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs/examples/conv1d"
RUN = ("run", "conv1d", "--suite", "quick", "--budget", "0.2s", "--name", "mine")
PLUGIN = ("--plugin", "conv1d")

pytest.importorskip("torch")


def python(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python without the variables that would make a pytest in it a worker of this one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(Path(bench.__file__).parents[1])
    command = [sys.executable, "-P", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def featherbench(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return python("-m", "bench", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the example and the run of its quick suite."""
    path = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(EXAMPLE, path / "conv1d", ignore=shutil.ignore_patterns("__pycache__"))
    measured = featherbench(*RUN, *PLUGIN, "--json", cwd=path)
    assert measured.returncode == 0, measured.stderr
    summary = json.loads(measured.stdout)
    assert (summary["measured"], summary["records"]) == (4, {"passed": 4}), "two cases, two implementations"
    return path


def test_it_is_listed(folder: Path) -> None:
    listed = json.loads(featherbench("list", "--json", *PLUGIN, cwd=folder).stdout)["workloads"]
    assert listed["conv1d"]["title"] == "1-D convolution"
    assert listed["conv1d"]["implementations"].keys() == {"numpy", "pytorch"}
    assert "grouped_conv2d" in listed


def test_its_run_is_resumed_only_with_the_plugin_and_the_same_code(folder: Path) -> None:
    resumed = json.loads(featherbench(*RUN, *PLUGIN, "--resume", "--json", cwd=folder).stdout)
    assert resumed["measured"] == 0
    unknown = featherbench(*RUN, "--resume", cwd=folder)
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert "no workload 'conv1d'; choose from " in unknown.stderr
    with (folder / "conv1d/_unused.py").open("w") as file:
        file.write("# new\n")
    changed = featherbench(*RUN, *PLUGIN, "--resume", cwd=folder)
    (folder / "conv1d/_unused.py").unlink()
    assert changed.returncode == 2
    assert "run mine cannot be resumed: the code of conv1d has changed" in changed.stderr


def test_it_is_compared_with_its_own_baseline(folder: Path) -> None:
    compared = featherbench("compare", "mine", *PLUGIN, cwd=folder)
    assert compared.returncode == 0, compared.stderr
    rows = [line.split() for line in compared.stdout.splitlines() if line.startswith("numpy")]
    assert [row[1] for row in rows[:2]] == ["kernel=3", "kernel=9"]
    assert "baseline pytorch" in compared.stdout


def test_without_the_plugin_two_runs_are_compared_and_one_with_a_named_baseline(folder: Path) -> None:
    times_alone = featherbench("compare", "mine", cwd=folder)
    assert times_alone.returncode == 0, times_alone.stderr
    assert times_alone.stdout.splitlines()[1] == "run mine, no ratios"
    assert "workload conv1d is not known here: no baseline" in times_alone.stdout
    assert "compare --baseline NAME: numpy, pytorch" in times_alone.stdout
    for arguments in (["mine", "mine"], ["mine", "--baseline", "numpy"]):
        compared = featherbench("compare", *arguments, cwd=folder)
        assert compared.returncode == 0, compared.stderr
        assert "pytorch" in compared.stdout


@pytest.mark.parametrize(("arguments", "title"), [(PLUGIN, "1-D convolution on edge"), ((), "conv1d on edge")])
def test_its_report_has_its_title_where_the_plugin_is_given(
    folder: Path, arguments: tuple[str, ...], title: str
) -> None:
    reported = featherbench("report", "mine", "--output", "report.html", *arguments, cwd=folder)
    assert reported.returncode == 0, reported.stderr
    assert title in (folder / "report.html").read_text(encoding="utf-8").replace("<wbr>", "")


def test_its_implementations_keep_the_contract(folder: Path) -> None:
    contract = ("-m", "pytest", "tests/impls/test_contract.py", "-v", "--examples", 5, "-p", "no:cacheprovider")
    tested = python(*contract, "--plugin", folder / "conv1d", "-k", "conv1d", cwd=ROOT)
    assert tested.returncode == 0, tested.stdout
    for name in ("numpy", "pytorch"):
        assert f"test_random_cases_give_correct_outputs[conv1d-{name}] PASSED" in tested.stdout
    assert "skipped" not in tested.stdout


def test_a_file_of_its_own_adds_an_implementation(folder: Path) -> None:
    source = (EXAMPLE / "numpy.py").read_text().replace("from .workload", "from featherbench_workload_conv1d.workload")
    (folder / "taps.py").write_text(source.replace("class Numpy", "class Taps"))
    problem = ("--problem", "cin=4,cout=4,length=9", "--budget", "0.1s")
    measured = featherbench("run", "conv1d", "--impl", "taps", *problem, *PLUGIN, "--plugin", "taps.py", cwd=folder)
    assert measured.returncode == 0, measured.stderr
    assert ": 1 passed" in measured.stdout


def test_the_documentation_shows_every_file_of_the_example() -> None:
    page = (ROOT / "docs/workloads.md").read_text()
    shown = re.findall(r"```\{literalinclude\} examples/conv1d/(\S+)", page)
    assert sorted(shown) == sorted(path.name for path in EXAMPLE.glob("*.py"))
