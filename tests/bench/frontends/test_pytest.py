"""``pytest --benchmark-only``, and the run that is read from its file."""

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from bench.core.errors import UsageError
from bench.core.record import Status
from bench.frontends.pytest.reader import ROUND_NS, read
from bench.peaks.model import HostBandwidth, Peak, Peaks
from bench.report.html import write_report

pytest.importorskip("pytest_benchmark")
ROOT = Path(__file__).parents[3]
PEAKS = Peaks(
    peaks=[Peak(isa="avx2", threads=1, gflops=50)],
    bandwidths=[HostBandwidth(working_set_bytes=1 << 20, threads=1, bytes_per_second=20e9)],
)


def _pytest(*arguments: object) -> str:
    """Return the output of another pytest, without the variables that would make it a worker of this one."""
    command = [sys.executable, "-m", "pytest", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that holds one implementation on one case."""
    path = tmp_path_factory.mktemp("benchmark") / "file.json"
    output = _pytest("--benchmark-only", "--benchmark-max-time", 0.1, "--benchmark-json", path, "-k", "im2col and bias")
    assert "passed" in output, output
    return path


@pytest.fixture
def content(file):
    return json.loads(file.read_text())


def _write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(content))
    return path


def test_a_file_is_read_as_a_run(file, content, tmp_path):
    run = read(file, tmp_path)
    (benchmark,) = content["benchmarks"]
    (record,) = run.records
    assert (record.status, record.implementation, record.target) == (Status.PASSED, "im2col", "edge")
    assert list(chain.from_iterable(record.latency.rounds)) == [1e9 * seconds for seconds in benchmark["stats"]["data"]]
    extra = benchmark["extra_info"]
    assert (extra["macs"], extra["peak_bytes"], extra["error"]) == (
        record.work.macs,
        record.memory.peak_bytes,
        record.check.error,
    )
    assert benchmark["group"] == f"{record.workload} {record.case}"
    assert "not interleaved" in record.facts["timed by"]
    latency = record.latency
    assert (latency.off_cpu, latency.disturbed, latency.stopped) == (None, None, None)
    assert latency.numbers == list(range(len(latency.rounds)))
    assert set(latency.processes) == {0}
    assert 0 < latency.low <= latency.estimate <= latency.high
    assert run.info.machine.threads == 1
    assert run.info.suite == "first"


@pytest.mark.parametrize(
    ("calls", "rounds"), [(1, [1]), (7, [7]), (8, [8]), (15, [15]), (16, [8, 8]), (20, [8, 12])], ids=str
)
def test_successive_calls_are_grouped_into_rounds(content, tmp_path, calls, rounds):
    content["benchmarks"][0]["stats"] |= {"data": [ROUND_NS / 1e9 / 16] * calls, "iterations": 2}
    (record,) = read(_write(tmp_path, content), tmp_path).records
    assert [len(samples) for samples in record.latency.rounds] == rounds


def test_an_interval_may_reach_beyond_the_samples(content, tmp_path):
    """The interval of few rounds is wide; only infinite ends are replaced by the extremes."""
    content["benchmarks"][0]["stats"] |= {"data": [ROUND_NS / 1e9, 1.1 * ROUND_NS / 1e9], "iterations": 1}
    (record,) = read(_write(tmp_path, content), tmp_path).records
    assert record.latency.low < ROUND_NS < 1.1 * ROUND_NS < record.latency.high
    content["benchmarks"][0]["stats"] |= {"data": [ROUND_NS / 1e9]}
    (record,) = read(_write(tmp_path, content), tmp_path / "other").records
    assert (record.latency.low, record.latency.high) == pytest.approx((ROUND_NS, ROUND_NS))


def test_a_file_read_twice_is_one_run(file, tmp_path):
    first = read(file, tmp_path)
    second = read(file, tmp_path)
    assert second.name == first.name
    assert len((first.folder / "records.jsonl").read_text().splitlines()) == 1


def test_a_reading_that_was_killed_is_completed(file, tmp_path):
    run = read(file, tmp_path)
    (run.folder / "records.jsonl").unlink()
    assert len(read(file, tmp_path).records) == 1


def test_the_report_says_where_it_came_from(file, tmp_path):
    text = write_report([read(file, tmp_path)], tmp_path / "report.html").read_text()
    assert "pytest-benchmark" in text
    assert "not interleaved" in text
    assert "measured in the same rounds" not in text
    assert "budget ended" not in text


def test_each_benchmark_keeps_its_own_session(content, tmp_path):
    other = json.loads(json.dumps(content["benchmarks"][0]))
    other["extra_info"]["record"] |= {"implementation": "pytorch", "session": "another"}
    content["benchmarks"].append(other)
    assert len({record.session for record in read(_write(tmp_path, content), tmp_path).records}) == 2


@pytest.mark.parametrize("text", ["{", "", "[]", "{}", "3", "null", '{"benchmarks": []}', '{"machine_info": {}}'])
def test_foreign_files_are_refused(tmp_path, text):
    path = tmp_path / "foreign.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"foreign\.json is not"):
        read(path, tmp_path)


def test_a_truncated_file_is_refused(file, tmp_path):
    path = tmp_path / "torn.json"
    path.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UsageError, match="not JSON, or not whole"):
        read(path, tmp_path)


def test_an_impossible_speed_is_not_recorded(content, tmp_path):
    (machine,) = content["machine_info"]["featherbench"]["run"]["machines"].values()
    machine["peaks"] = PEAKS.model_dump()
    content["benchmarks"][0]["stats"] |= {"data": [1e-10] * 20, "iterations": 1}
    run = read(_write(tmp_path, content), tmp_path)
    (record,) = run.records
    assert (record.status, record.latency, record.memory) == (Status.IMPLAUSIBLE, None, None)
    assert "does every call compute its output anew?" in record.reason
    assert record.machine in run.info.machines


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "none.json", tmp_path)


def test_a_newer_file_asks_for_an_upgrade(content, tmp_path):
    content["machine_info"]["featherbench"]["run"]["schema_version"] = 99
    with pytest.raises(UsageError, match="upgrade"):
        read(_write(tmp_path, content), tmp_path)


def test_an_older_file_asks_for_a_new_measurement(content, tmp_path):
    content["machine_info"]["featherbench"]["run"]["schema_version"] = 1
    with pytest.raises(UsageError, match="run pytest --benchmark-only again"):
        read(_write(tmp_path, content), tmp_path)


def test_a_file_without_single_timings_is_refused(content, tmp_path):
    del content["benchmarks"][0]["stats"]["data"]
    with pytest.raises(UsageError, match=r"stats\.data"):
        read(_write(tmp_path, content), tmp_path)


def test_a_wrong_output_cannot_get_a_speed(content, tmp_path):
    content["benchmarks"][0]["extra_info"]["record"]["check"]["passed"] = False
    with pytest.raises(UsageError, match="passed check"):
        read(_write(tmp_path, content), tmp_path)


PLANTED = """
from bench.core import registry
implementations = registry.implementations
registry.implementations = lambda plugins=(): implementations({plugins})
"""


PREPARED_WRONG = {
    "returns_nan": "incorrect",
    "returns_the_wrong_dtype": "incorrect",
    "fills_half_of_its_buffer": "incorrect",
    "fills_its_buffer_later": "incorrect",
    "knows_only_prepared_inputs": "incorrect",
    "leaves_work_in_a_thread": "incorrect",
    "needs_what_is_not_installed": "absent",
    "prepares_nothing": "failed",
    "raises_in_call": "failed",
    "raises_on_import": "failed",
    "remembers_its_first_output": "incorrect",
    "returns_a_future": "incorrect",
    "rounds_the_weights": "incorrect",
    "supports_nothing": "unsupported",
    "writes_to_its_input": "incorrect",
}
"""Accidents that fail before timing, each with its status; one whose package is missing is not collected."""
TIMED_WRONG = {
    "raises_while_timed": "failed",
    "wrong_once_timed": "incorrect",
    "writes_to_its_input_while_timed": "incorrect",
    "wrong_only_while_timed": "incorrect",
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The file of one pytest with all these accidents beside a correct implementation."""
    folder = tmp_path_factory.mktemp("planted")
    names = [*PREPARED_WRONG, *TIMED_WRONG]
    plugins = [str(ROOT / f"tests/bench/accidents/{name}.py") for name in names]
    (folder / "planted.py").write_text(PLANTED.format(plugins=plugins))
    path = folder / "file.json"
    chosen = ("-k", f"({' or '.join([*names, 'im2col'])}) and bias", "--benchmark-max-time", 0.1)
    output = _pytest(
        "--benchmark-only", *chosen, "--benchmark-json", path, "-o", f"pythonpath={folder}", "-p", "planted"
    )
    assert path.exists(), output
    return json.loads(path.read_text())


@pytest.mark.parametrize(("name", "status"), (PREPARED_WRONG | TIMED_WRONG).items())
def test_an_accident_gets_no_time(planted, name, status):
    """This holds for those that are wrong from the start, and for those that are wrong or raise only while timed."""
    timed = [each for each in planted["benchmarks"] if each["name"].endswith(f"-{name}]")]
    assert [each for each in timed if each["stats"]["data"]] == []
    statuses = {each["implementation"]: each["status"] for each in planted["machine_info"]["featherbench"]["others"]}
    assert statuses.get(name, "absent") == status


def test_a_correct_implementation_is_timed_beside_them(planted):
    timed = [each["extra_info"]["record"]["implementation"] for each in planted["benchmarks"] if each["stats"]["data"]]
    assert timed == ["im2col"]


def test_other_benchmarks_of_the_user_are_left_out(content, tmp_path):
    own = {"stats": {"data": [1.0], "iterations": 1}, "extra_info": {"colour": "red"}}
    content["benchmarks"].append(own)
    assert len(read(_write(tmp_path, content), tmp_path).records) == 1


def test_a_file_without_a_benchmark_of_featherbench_is_refused_and_not_stored(content, tmp_path):
    content["benchmarks"].clear()
    with pytest.raises(UsageError, match="holds no benchmark of featherbench"):
        read(_write(tmp_path, content), tmp_path / "results")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("path", "value"),
    [(("stats", "data"), [1e-320]), (("stats", "data"), [float("inf")]), (("extra_info", "record", "facts"), 3)],
)
def test_nonsense_is_refused(content, tmp_path, path, value):
    parent = content["benchmarks"][0]
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    with pytest.raises(UsageError, match="is not a file that pytest-benchmark wrote"):
        read(_write(tmp_path, content), tmp_path)


def test_ordinary_pytest_collects_no_benchmarks():
    # No paths are given, as the plug-in looks whether they are, but what takes long to import is left out.
    ignored = ["--ignore=tests/impls", "--ignore=tests/reports", "--ignore-glob=tests/bench/[!c]*"]
    output = _pytest("--collect-only", "-q", *ignored, "-p", "no:cacheprovider")
    assert "tests/bench/core/test_case.py" in output
    assert "benchmarks.py" not in output
    assert "::test_call[" not in output
