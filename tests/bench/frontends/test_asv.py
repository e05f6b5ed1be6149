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
import json, os, sys
import numpy  # as asv may do
from asv_runner.run import _run
from threadpoolctl import threadpool_info
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


@pytest.mark.parametrize("method", ["time_call", "peakmem_call", "track_peak_of_call", "track_error", "track_macs"])
def test_a_combination_runs_on_the_edge(found, tmp_path, method):
    name = f"GroupedConv2d.{method}"
    names, cases = found[name]["params"]
    last = names.index("'im2col'") * len(cases) + len(cases) - 1
    result = tmp_path / "result.json"
    command = [sys.executable, "-c", RUN, FOLDER, f"{name}-{last}", result]
    done = subprocess.run(command, cwd=tmp_path, env=_environment(), check=True, capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == {"cores": 1, "threads": 1}
    value = json.loads(result.read_text())
    if method == "time_call":
        assert len(value["samples"]) == 1
    elif method == "track_error":
        assert 0 <= value < 1e-4
    elif method == "track_macs":
        case = registry.workload("grouped_conv2d").suites()["quick"][-1]
        assert value == registry.workload("grouped_conv2d").work(case).macs
    elif method == "track_peak_of_call":
        assert 1 << 15 < value < 4 << 20
    else:
        assert value > 1 << 20
