"""``featherbench run``: what it measures, prints and resumes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from bench.core import registry
from bench.core.target import Target
from bench.run.session import MIN_ROUNDS
from bench.run.stopping import MIN_PROCESSES
from bench.store import Run

Command = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).parents[3]
ACCIDENTS = Path(__file__).parents[1] / "accidents"
SMALL = ("--suite", "odd", "--case", "kernel=1", "--impl", "im2col", "--budget", "100ms")


def test_an_unwritable_results_folder_is_a_usage_error(featherbench: Command, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    result = featherbench("run", *SMALL, "--results", "taken", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "choose another folder with --results" in result.stderr


def test_a_run_is_measured_resumed_and_reported(featherbench: Command, tmp_path: Path) -> None:
    first = featherbench("run", *SMALL, "--name", "mine", "--json", cwd=tmp_path)
    summary = json.loads(first.stdout)
    assert (first.returncode, summary["measured"], summary["records"]) == (0, 1, {"passed": 1})
    assert 0 < summary["harness_share"] < 1
    *peaks, announced, begun, ended = first.stderr.splitlines()
    assert announced.startswith("measuring 1 case of 1 workload with 1 implementation, roughly ")
    # The command runs from the checkout, whose native part may be built or not.
    measurable = any((ROOT / "bench").glob("_peaks*.so"))
    assert peaks == ["measuring the peaks of this machine, once"] * measurable
    assert re.fullmatch(r"case 1 of 1: grouped_conv2d cin=\S+: preparing im2col", begun)
    assert re.fullmatch(r"case 1 of 1: grouped_conv2d cin=\S+: 1 passed, in \d+ s", ended)
    (record,) = Run.open(tmp_path / "results/local/mine").records
    assert record.latency is not None
    assert len(set(record.latency.processes)) >= MIN_PROCESSES
    assert len(record.latency.rounds) >= MIN_ROUNDS

    resumed = featherbench("run", *SMALL, "--resume", "--json", cwd=tmp_path)
    assert json.loads(resumed.stdout)["run"] == "mine"
    assert json.loads(resumed.stdout)["measured"] == 0
    assert resumed.stderr == "everything is recorded already\n"

    same_name = featherbench("run", *SMALL, "--name", "mine", cwd=tmp_path)
    assert (same_name.returncode, same_name.stderr.count("\n")) == (2, 1)
    assert "exists already; add --resume" in same_name.stderr

    other = featherbench("run", *SMALL, "--budget", "50ms", "--case", "n=1", "--name", "mine", "--resume", cwd=tmp_path)
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    assert "was started by a different request" in other.stderr

    printed = featherbench("run", *SMALL, "--resume", cwd=tmp_path)
    assert "im2col          1 case  no ratio: no record of the baseline pytorch for this case" in printed.stdout
    assert "run mine: 1 passed" in printed.stdout.splitlines()
    compared = featherbench("compare", "mine", cwd=tmp_path)
    assert (compared.returncode, compared.stderr) == (0, "")
    for lines in (printed.stdout.splitlines(), compared.stdout.splitlines()):
        assert lines[1] == "run mine, no ratios"
        assert re.fullmatch(r"im2col +\S+ .s \[\S+, \S+\]", lines[lines.index("implementation  time") + 1])

    unjudged = featherbench("compare", "mine", "--fail-if-slower", "5%", cwd=tmp_path)
    assert unjudged.returncode == 2
    assert "--fail-if-slower needs a ratio, and there is none" in unjudged.stderr

    unknown_baseline = featherbench("compare", "mine", "--baseline", "pytorch", cwd=tmp_path)
    assert unknown_baseline.returncode == 2
    assert "im2col" in unknown_baseline.stderr

    report = featherbench("report", "mine", cwd=tmp_path)
    assert report.returncode == 0, report.stderr
    assert Path(report.stdout.removeprefix("report: ").strip()).read_text().startswith("<!doctype html>")


def test_files_in_the_current_folder_do_not_shadow_libraries(tmp_path: Path) -> None:
    """The folder where the command is called holds a file with the name of a library."""
    (tmp_path / "onnxruntime.py").write_text("raise RuntimeError('not the library')")
    small = [word if word != "im2col" else "onnxruntime" for word in SMALL]
    result = subprocess.run(
        [sys.executable, "-P", "-m", "bench", "run", *small, "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(result.stdout)["records"] == {"passed": 1}, result.stdout


def test_an_interrupted_run_says_how_to_resume_it(tmp_path: Path) -> None:
    """Ctrl-C reaches the command alone, because its workers have sessions of their own."""
    command = [sys.executable, "-m", "bench", "run", "--impl", "im2col", "--suite", "gspc", "--name", "long"]
    # Tests that a script starts in the background ignore SIGINT, and their child processes inherit that.
    previous_handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run = subprocess.Popen(
            command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
        )
    finally:
        signal.signal(signal.SIGINT, previous_handler)
    with run:
        while not (tmp_path / "results/local/long/logs").exists():
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        _, stderr = run.communicate()
    assert run.returncode == 130
    assert stderr.decode().endswith(
        "\nfeatherbench: stopped; finished work is kept: repeat the command to continue, run with --resume\n"
    )


def test_a_missing_package_is_reported_as_the_reason(featherbench: Command, tmp_path: Path) -> None:
    name, package = "needs_what_is_not_installed", "featherbench-no-such-distribution"
    reason = f"needs {package}: pip install {package}"
    arguments = ("run", "--suite", "odd", "--impl", name, "--plugin", str(ACCIDENTS / f"{name}.py"))
    result = featherbench(*arguments, "--name", "none", cwd=tmp_path)
    assert result.stdout.splitlines()[0] == f"14 unsupported ({name}): {reason}"
    assert result.stdout.count(reason) == 1

    lines = featherbench(*arguments, "--dry-run", cwd=tmp_path).stdout.splitlines()
    assert len(lines) == 14
    assert all(line.endswith(f"edge: unsupported: {reason}") for line in lines)
    planned_keys = json.loads(featherbench(*arguments, "--dry-run", "--json", cwd=tmp_path).stdout)
    assert {key["unsupported"] for key in planned_keys} == {reason}

    compared = featherbench("compare", "none", cwd=tmp_path)
    assert compared.returncode == 0
    assert f"{name}  14 cases  no ratio: unsupported: {reason}" in compared.stdout.splitlines()


def test_a_dry_run_without_choices_plans_the_first_suites(featherbench: Command, tmp_path: Path) -> None:
    planned = json.loads(featherbench("run", "--dry-run", "--json", cwd=tmp_path).stdout)
    assert {(key["workload"], key["case"]) for key in planned} == {
        (name, case.slug) for name, workload in registry.workloads().items() for case in workload.suites()["first"]
    }


def test_a_dry_run_plans_for_other_machines_and_estimates_the_time(featherbench: Command, tmp_path: Path) -> None:
    arguments = (
        "run",
        "sliding_channel_conv2d",
        "--impl",
        "masked_dense,native",
        "--target",
        "cuda:cold",
        "--budget",
        "5s",
    )
    result = featherbench(*arguments, "--dry-run", cwd=tmp_path)
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 6
    assert result.stdout.count("runs on cpu, edge, not on cuda: choose another with --target") == 3
    assert result.stderr.startswith("3 records, as far as implementations support them; about 15 s of timed rounds")
    assert ("not on this machine: target cuda:cold needs" in result.stderr) == bool(
        Target("cuda", "cold").unavailable()
    )
