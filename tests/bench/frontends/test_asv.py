"""The benchmarks that asv finds, run in other processes, as asv does: importing them sets up the process."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

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
from pathlib import Path
import numpy  # asv may import it first
from asv_runner.discovery import get_benchmark_from_name
from asv_runner.run import _run
from bench.core import registry
from threadpoolctl import threadpool_info

folder, jobs = sys.argv[1], json.loads(sys.argv[2])
result, outcome = Path("result.json"), Path("outcome.json")

def run(name, planted):
    if planted:
        *specs, plugin = registry.implementations([planted])
        plugin = dataclasses.replace(plugin, name="im2col")
        registry.implementations = lambda: [plugin if spec.name == "im2col" else spec for spec in specs]
    error = ""
    try:
        _run((folder, name, json.dumps({"number": 1, "repeat": 1, "warmup_time": 0}), "None", str(result)))
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    threads = max(pool["num_threads"] for pool in threadpool_info())
    value = result.read_text() if result.exists() else None
    return {"value": value, "error": error, "cores": len(os.sched_getaffinity(0)), "threads": threads}

get_benchmark_from_name(folder, jobs[0][0])  # asv imports the benchmarks once, and forks for each of them
outcomes = []
for job in jobs:
    result.unlink(missing_ok=True)
    outcome.unlink(missing_ok=True)
    if not (child := os.fork()):
        outcome.write_text(json.dumps(run(*job)))
        os._exit(0)
    os.waitpid(child, 0)
    outcomes.append(json.loads(outcome.read_text()))
Path("outcomes.json").write_text(json.dumps(outcomes))
"""
GROUPED = ("GroupedConv2d", "im2col")


class Job(NamedTuple):
    """A method for asv to run on an implementation's last case, or on the accident ``planted`` in its place."""

    method: str
    planted: str = ""
    subject: tuple[str, str] = GROUPED


class Result(NamedTuple):
    """What became of a job."""

    value: str | None
    """The JSON that asv stores; None where it stores nothing."""
    error: str
    cores: int
    threads: int


ACCIDENTS = {
    "returns_nan": "1 of the output's",
    "knows_only_prepared_inputs": "the output is right for earlier inputs",
    "raises_while_timed": "round: RuntimeError: the queue is full",
    "wrong_only_while_timed": "above the tolerance of 0.0001",
    "writes_to_its_input": "it writes to its inputs: x changed",
    "writes_to_its_input_while_timed": "it writes to its inputs: x changed",
    "leaves_work_in_a_thread": "after its calls had returned, other threads or processes used",
}
"""Accidents, with what asv says of them."""
JOBS = [
    *(Job(method) for method in METHODS),
    *(Job(method, "supports_nothing") for method in ("time_call", "track_error")),
    *(Job(method, "needs_what_is_not_installed") for method in METHODS),
    *(Job(method, "needs_other_releases") for method in ("time_call", "track_macs")),
    Job("track_macs", subject=("NodeClassification", "gcn3")),
    *(Job("time_call", accident) for accident in ACCIDENTS),
]


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


def _measure(benchmarks: dict[str, Any], folder: Path, jobs: Sequence[Job]) -> list[Result]:
    """Let asv run the jobs one after the other, each in a fork of one process."""
    command = [sys.executable, "-c", RUN, FOLDER, json.dumps([_arguments(benchmarks, job) for job in jobs])]
    # A shell forks it: a process started by exec keeps the peak memory of the process that it replaces, here of these
    # tests.
    subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", *command], cwd=folder, env=_environment(), check=True)
    return [Result(**result) for result in json.loads((folder / "outcomes.json").read_text())]


def _arguments(benchmarks: dict[str, Any], job: Job) -> tuple[str, str]:
    """Return asv's name of the job's benchmark, and the path of the accident."""
    workload, implementation = job.subject
    name = f"{workload}.{job.method}"
    names, cases = benchmarks[name]["params"]
    last = names.index(repr(implementation)) * len(cases) + len(cases) - 1
    return f"{name}-{last}", str(ROOT / f"tests/bench/accidents/{job.planted}.py") if job.planted else ""


@pytest.fixture(scope="module")
def results(benchmarks, tmp_path_factory) -> dict[Job, Result]:
    """The results of all JOBS, with one import of the benchmarks, which takes longer than the jobs do."""
    return dict(zip(JOBS, _measure(benchmarks, tmp_path_factory.mktemp("jobs"), JOBS), strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_a_combination_runs_on_one_core_and_one_thread(results, method):
    result = results[Job(method)]
    assert (result.error, result.cores, result.threads) == ("", 1, 1)
    value = json.loads(result.value)
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
    large, small = (
        _measure(benchmarks, tmp_path, [Job("peakmem_call", planted)])[0]
        for planted in ("takes_a_large_array", "takes_more_at_first")
    )
    assert 56 << 20 < json.loads(large.value) - json.loads(small.value) < 72 << 20


@pytest.mark.parametrize("planted", ACCIDENTS)
def test_an_accident_fails_as_in_a_run(results, planted):
    result = results[Job("time_call", planted)]
    assert result.error.startswith("NotMeasuredError: ")
    assert ACCIDENTS[planted] in result.error
    assert result.value is None


@pytest.mark.parametrize("method", ["time_call", "track_error"])
def test_an_unsupported_case_has_no_value(results, method):
    assert results[Job(method, "supports_nothing")].value == "NaN"


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_package_gives_no_value(results, method):
    assert results[Job(method, "needs_what_is_not_installed")].value == "NaN"


@pytest.mark.parametrize("method", ["time_call", "track_macs"])
def test_an_environment_of_its_own_gives_no_value(results, method):
    assert results[Job(method, "needs_other_releases")].value == "NaN"


def test_a_trained_model_has_no_macs(results):
    """The value is NaN, because asv takes None for a failure."""
    assert results[Job("track_macs", subject=("NodeClassification", "gcn3"))].value == "NaN"
