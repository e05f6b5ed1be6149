"""What asv finds. In processes of their own, as asv has it: importing the benchmarks sets up the process."""

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

DISCOVER = """
import sys
from asv_runner.discovery import list_benchmarks
list_benchmarks(sys.argv[1], open(sys.argv[2], "w"))
"""
RUN = """
import dataclasses, json, os, sys
import numpy  # as asv may do
from asv_runner.run import _run
from bench.core import registry
from threadpoolctl import threadpool_info
if len(sys.argv) > 4:
    found = registry.implementations
    registry.implementations = lambda: [
        dataclasses.replace(entry, path=sys.argv[4], module=None) if entry.name == "im2col" else entry
        for entry in found()
    ]
_run((sys.argv[1], sys.argv[2], json.dumps({"number": 1, "repeat": 1, "warmup_time": 0}), "None", sys.argv[3]))
threads = max(pool["num_threads"] for pool in threadpool_info())
print(json.dumps({"cores": len(os.sched_getaffinity(0)), "threads": threads}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict:
    file = tmp_path_factory.mktemp("asv") / "found.json"
    subprocess.run([sys.executable, "-c", DISCOVER, FOLDER, file], cwd=file.parent, env=_environment(), check=True)
    return {benchmark["name"]: benchmark for benchmark in json.loads(file.read_text())}


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def test_a_class_for_each_workload(found):
    methods = ("time_call", "peakmem_call", "track_peak_of_call", "track_error", "track_macs")
    classes = ["".join(part.capitalize() for part in name.split("_")) for name in registry.workloads()]
    assert set(found) == {f"{name}.{method}" for name in classes for method in methods}
    assert {benchmark["unit"] for benchmark in found.values()} == {"seconds", "bytes", "relative error", "MACs"}


def test_parameters_are_those_of_the_registry(found):
    names, cases = found["GroupedConv2d.time_call"]["params"]
    workload = registry.workload("grouped_conv2d")
    assert {name.strip("'") for name in names} == {
        entry.name for entry in registry.implementations() if entry.workload == "grouped_conv2d"
    }
    assert [case.strip("'") for case in cases] == [case.slug for case in workload.suites()["quick"]]


def _measure(found, folder, method, planted: str = "") -> subprocess.CompletedProcess[str]:
    """What asv runs of im2col, or of the accident ``planted`` in its place, on its last case, into result.json."""
    name = f"GroupedConv2d.{method}"
    names, cases = found[name]["params"]
    last = names.index("'im2col'") * len(cases) + len(cases) - 1
    command = [sys.executable, "-c", RUN, FOLDER, f"{name}-{last}", folder / "result.json"]
    if planted:
        command.append(ROOT / f"tests/bench/accidents/{planted}.py")
    # Through a small process that forks: one that is executed begins with the peak of the process that it replaces,
    # which would be that of these tests.
    forked = ["sh", "-c", '"$@"; exit $?', "sh", *command]
    return subprocess.run(forked, cwd=folder, env=_environment(), check=not planted, capture_output=True, text=True)


@pytest.mark.parametrize("method", ["time_call", "peakmem_call", "track_peak_of_call", "track_error", "track_macs"])
def test_a_combination_runs_on_the_edge(found, tmp_path, method):
    done = _measure(found, tmp_path, method)
    assert json.loads(done.stdout.splitlines()[-1]) == {"cores": 1, "threads": 1}
    value = json.loads((tmp_path / "result.json").read_text())
    if method == "time_call":
        assert len(value["samples"]) == 1
    elif method == "track_error":
        assert 0 <= value < 1e-4
    elif method == "track_macs":
        case = registry.workload("grouped_conv2d").suites()["quick"][-1]
        assert value == registry.workload("grouped_conv2d").work(case).macs
    elif method == "track_peak_of_call":
        assert 1 << 15 < value < 4 << 20


def test_the_peak_of_the_process_is_that_of_the_call(found, tmp_path):
    """Also where checking, which comes before, took as much."""
    peaks = {}
    for planted in ("weighs_a_large_array", "weighs_more_at_first"):
        assert _measure(found, tmp_path, "peakmem_call", planted).returncode == 0
        peaks[planted] = json.loads((tmp_path / "result.json").read_text())
    assert 56 << 20 < peaks["weighs_a_large_array"] - peaks["weighs_more_at_first"] < 72 << 20


def test_a_wrong_answer_has_no_time(found, tmp_path):
    done = _measure(found, tmp_path, "time_call", "answers_nan")
    assert done.returncode == 1
    assert "WrongAnswer: 1 of the answer's" in done.stderr
    assert not (tmp_path / "result.json").exists()
