"""The benchmarks that asv finds, run in other processes, as asv does: importing them sets up the process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.core import registry

pytest.importorskip("asv_runner")
ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "bench/frontends/asv/benchmarks"

METHODS = ("time_call", "peakmem_call", "track_peak_of_call", "track_error", "track_macs")

DISCOVER = """
import sys
from asv_runner.discovery import list_benchmarks
list_benchmarks(sys.argv[1], open(sys.argv[2], "w"))
"""
RUN = """
import dataclasses, json, os, sys
import numpy  # asv may import it first
from asv_runner.run import _run
from bench.core import registry
from threadpoolctl import threadpool_info
if len(sys.argv) > 4:
    *specs, planted = registry.implementations([sys.argv[4]])
    planted = dataclasses.replace(planted, name="im2col")
    registry.implementations = lambda: [planted if spec.name == "im2col" else spec for spec in specs]
_run((sys.argv[1], sys.argv[2], json.dumps({"number": 1, "repeat": 1, "warmup_time": 0}), "None", sys.argv[3]))
threads = max(pool["num_threads"] for pool in threadpool_info())
print(json.dumps({"cores": len(os.sched_getaffinity(0)), "threads": threads}))
"""


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> dict:
    file = tmp_path_factory.mktemp("asv") / "benchmarks.json"
    subprocess.run([sys.executable, "-c", DISCOVER, FOLDER, file], cwd=file.parent, env=_environment(), check=True)
    return {benchmark["name"]: benchmark for benchmark in json.loads(file.read_text())}


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def test_each_workload_has_a_class(benchmarks):
    classes = ["".join(part.capitalize() for part in name.split("_")) for name in registry.workloads()]
    assert set(benchmarks) == {f"{name}.{method}" for name in classes for method in METHODS}
    assert {benchmark["unit"] for benchmark in benchmarks.values()} == {"seconds", "bytes", "relative error", "MACs"}


def test_parameters_are_those_of_the_registry(benchmarks):
    names, cases = benchmarks["GroupedConv2d.time_call"]["params"]
    workload = registry.workload("grouped_conv2d")
    assert {name.strip("'") for name in names} == {
        spec.name for spec in registry.implementations() if spec.workload == "grouped_conv2d"
    }
    assert [case.strip("'") for case in cases] == [case.slug for case in workload.suites()["first"]]


def _measure(
    benchmarks, folder, method, planted: str = "", subject: tuple[str, str] = ("GroupedConv2d", "im2col")
) -> subprocess.CompletedProcess[str]:
    """Let asv run an implementation, or the accident ``planted`` in its place, on its last case, into result.json."""
    workload, implementation = subject
    name = f"{workload}.{method}"
    names, cases = benchmarks[name]["params"]
    last = names.index(repr(implementation)) * len(cases) + len(cases) - 1
    command = [sys.executable, "-c", RUN, FOLDER, f"{name}-{last}", folder / "result.json"]
    if planted:
        command.append(ROOT / f"tests/bench/accidents/{planted}.py")
    # A shell forks it: a process started by exec keeps the peak memory of the process that it replaces, here of these
    # tests.
    forked = ["sh", "-c", '"$@"; exit $?', "sh", *command]
    return subprocess.run(forked, cwd=folder, env=_environment(), check=not planted, capture_output=True, text=True)


@pytest.mark.parametrize("method", METHODS)
def test_a_combination_runs_on_one_core_and_one_thread(benchmarks, tmp_path, method):
    result = _measure(benchmarks, tmp_path, method)
    assert json.loads(result.stdout.splitlines()[-1]) == {"cores": 1, "threads": 1}
    value = json.loads((tmp_path / "result.json").read_text())
    if method == "time_call":
        assert len(value["samples"]) == 1
    elif method == "track_error":
        assert 0 <= value < 1e-4
    elif method == "track_macs":
        case = registry.workload("grouped_conv2d").suites()["first"][-1]
        assert value == registry.workload("grouped_conv2d").work(case).macs
    elif method == "track_peak_of_call":
        assert 1 << 15 < value < 4 << 20


def test_the_peak_memory_of_the_process_is_that_of_the_call(benchmarks, tmp_path):
    """This holds even where the check before it needs as much."""
    peaks = {}
    for planted in ("takes_a_large_array", "takes_more_at_first"):
        assert _measure(benchmarks, tmp_path, "peakmem_call", planted).returncode == 0
        peaks[planted] = json.loads((tmp_path / "result.json").read_text())
    assert 56 << 20 < peaks["takes_a_large_array"] - peaks["takes_more_at_first"] < 72 << 20


def test_a_wrong_output_has_no_time(benchmarks, tmp_path):
    result = _measure(benchmarks, tmp_path, "time_call", "returns_nan")
    assert result.returncode == 1
    assert "NotMeasuredError: 1 of the output's" in result.stderr
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize(
    ("planted", "reason"),
    [
        ("knows_only_prepared_inputs", "the output is right for earlier inputs"),
        ("leaves_work_in_a_thread", "after its calls had returned, other threads or processes used"),
        ("raises_while_timed", "round: RuntimeError: the queue is full"),
        ("wrong_only_while_timed", "above the tolerance of 0.0001"),
        ("writes_to_its_input", "it writes to its inputs: x changed"),
        ("writes_to_its_input_while_timed", "it writes to its inputs: x changed"),
    ],
)
def test_an_accident_fails_as_in_a_run(benchmarks, tmp_path, planted, reason):
    result = _measure(benchmarks, tmp_path, "time_call", planted)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert "NotMeasuredError: " in last
    assert reason in last
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("method", ["time_call", "track_error"])
def test_an_unsupported_case_has_no_value(benchmarks, tmp_path, method):
    _measure(benchmarks, tmp_path, method, "supports_nothing")
    assert (tmp_path / "result.json").read_text() == "NaN"


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_package_gives_no_value(benchmarks, tmp_path, method):
    _measure(benchmarks, tmp_path, method, "needs_what_is_not_installed")
    assert (tmp_path / "result.json").read_text() == "NaN"


def test_a_trained_model_has_no_macs(benchmarks, tmp_path):
    """The value is NaN, because asv takes None for a failure."""
    _measure(benchmarks, tmp_path, "track_macs", subject=("NodeClassification", "gcn3"))
    assert (tmp_path / "result.json").read_text() == "NaN"
