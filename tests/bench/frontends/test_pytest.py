"""``pytest --benchmark-only`` and the reading of its file."""

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from bench.core.errors import BadUse
from bench.core.record import Status
from bench.frontends.pytest.reader import read
from bench.measure.latency import TURN_NS
from bench.report.html import write_report

pytest.importorskip("pytest_benchmark")
ROOT = Path(__file__).parents[3]


def _pytest(*arguments: object) -> str:
    """What another pytest prints, which is not to take itself for a worker of this one."""
    command = [sys.executable, "-m", "pytest", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one implementation on one case."""
    path = tmp_path_factory.mktemp("benchmark") / "file.json"
    said = _pytest("--benchmark-only", "--benchmark-max-time", 0.1, "--benchmark-json", path, "-k", "im2col and bias")
    assert "passed" in said, said
    return path


@pytest.fixture
def content(file):
    return json.loads(file.read_text())


def _written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(content))
    return path


def test_the_file_becomes_a_run(file, content, tmp_path):
    run = read(file, tmp_path)
    (benchmark,) = content["benchmarks"]
    (record,) = run.records
    assert (record.status, record.implementation, record.target) == (Status.PASSED, "im2col", "edge")
    assert list(chain.from_iterable(record.latency.turns)) == [1e9 * seconds for seconds in benchmark["stats"]["data"]]
    extra = benchmark["extra_info"]
    assert (extra["macs"], extra["peak_bytes"], extra["error"]) == (
        record.work.macs,
        record.memory.peak_bytes,
        record.check.error,
    )
    assert benchmark["group"] == f"{record.workload} {record.case}"
    assert "not interleaved" in record.facts["timed by"]
    assert record.latency.preempted is None
    assert run.info.threads == 1


@pytest.mark.parametrize(
    ("calls", "turns"), [(1, [1]), (7, [7]), (8, [8]), (15, [15]), (16, [8, 8]), (20, [8, 12])], ids=str
)
def test_calls_in_a_row_are_taken_in_turns(content, tmp_path, calls, turns):
    content["benchmarks"][0]["stats"] |= {"data": [TURN_NS / 1e9 / 16] * calls, "iterations": 2}
    (record,) = read(_written(tmp_path, content), tmp_path).records
    assert [len(turn) for turn in record.latency.turns] == turns


def test_reading_again_finds_the_same_run(file, tmp_path):
    first = read(file, tmp_path)
    again = read(file, tmp_path)
    assert again.name == first.name
    assert len((first.folder / "records.jsonl").read_text().splitlines()) == 1


def test_a_reading_that_was_killed_is_completed(file, tmp_path):
    run = read(file, tmp_path)
    (run.folder / "records.jsonl").unlink()
    assert len(read(file, tmp_path).records) == 1


def test_the_report_says_where_it_came_from(file, tmp_path):
    text = write_report([read(file, tmp_path)], tmp_path / "report.html").read_text()
    assert "pytest-benchmark" in text
    assert "not interleaved" in text
    assert "took turns in the same rounds" not in text
    assert "budget ended" not in text


def test_each_has_a_sitting_of_its_own(content, tmp_path):
    other = json.loads(json.dumps(content["benchmarks"][0]))
    other["extra_info"]["record"] |= {"implementation": "pytorch", "sitting": "another"}
    content["benchmarks"].append(other)
    assert len({record.sitting for record in read(_written(tmp_path, content), tmp_path).records}) == 2


@pytest.mark.parametrize("text", ["{", "", "[]", "{}", "3", "null", '{"benchmarks": []}', '{"machine_info": {}}'])
def test_foreign_files_are_refused(tmp_path, text):
    path = tmp_path / "foreign.json"
    path.write_text(text)
    with pytest.raises(BadUse, match=r"foreign\.json is not"):
        read(path, tmp_path)


def test_a_truncated_file_is_refused(file, tmp_path):
    path = tmp_path / "torn.json"
    path.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BadUse, match="not JSON, or not whole"):
        read(path, tmp_path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadUse, match="No such file"):
        read(tmp_path / "none.json", tmp_path)


def test_a_newer_file_asks_for_an_upgrade(content, tmp_path):
    content["machine_info"]["featherbench"]["run"]["schema_version"] = 99
    with pytest.raises(BadUse, match="upgrade"):
        read(_written(tmp_path, content), tmp_path)


def test_a_file_without_single_timings_is_refused(content, tmp_path):
    del content["benchmarks"][0]["stats"]["data"]
    with pytest.raises(BadUse, match=r"stats\.data"):
        read(_written(tmp_path, content), tmp_path)


def test_a_wrong_answer_cannot_get_a_speed(content, tmp_path):
    content["benchmarks"][0]["extra_info"]["record"]["check"]["passed"] = False
    with pytest.raises(BadUse, match="passed check"):
        read(_written(tmp_path, content), tmp_path)


PLANTED = """
from bench.core import registry
found = registry.implementations
registry.implementations = lambda plugins=(): found({plugins})
"""


def test_wrong_answers_fail_and_get_no_time(tmp_path):
    """One that is wrong from the start, one that is wrong only once timed, one that raises only while timed."""
    names = ("answers_nan", "wrong_once_timed", "raises_while_timed")
    plugins = [str(ROOT / f"tests/bench/accidents/{name}.py") for name in names]
    (tmp_path / "planted.py").write_text(PLANTED.format(plugins=plugins))
    path = tmp_path / "file.json"
    chosen = ("-k", f"({' or '.join(names)}) and bias", "--benchmark-max-time", 0.1, "--benchmark-json", path)
    said = _pytest("--benchmark-only", *chosen, "-o", f"pythonpath={tmp_path}", "-p", "planted")
    assert "3 failed" in said, said
    content = json.loads(path.read_text())
    assert [benchmark for benchmark in content["benchmarks"] if benchmark["stats"]["data"]] == []
    told = {record["implementation"]: record["status"] for record in content["machine_info"]["featherbench"]["others"]}
    assert told == {"answers_nan": "incorrect", "wrong_once_timed": "incorrect", "raises_while_timed": "failed"}


def test_benchmarks_of_the_user_s_own_are_left_out(content, tmp_path):
    own = {"stats": {"data": [1.0], "iterations": 1}, "extra_info": {"colour": "red"}}
    content["benchmarks"].append(own)
    assert len(read(_written(tmp_path, content), tmp_path).records) == 1


def test_a_file_without_any_of_ours_is_refused_and_not_stored(content, tmp_path):
    content["benchmarks"].clear()
    with pytest.raises(BadUse, match="holds no benchmark of featherbench"):
        read(_written(tmp_path, content), tmp_path / "results")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("place", "value"),
    [(("stats", "data"), [1e-320]), (("stats", "data"), [float("inf")]), (("extra_info", "record", "facts"), 3)],
)
def test_nonsense_is_refused(content, tmp_path, place, value):
    found = content["benchmarks"][0]
    for name in place[:-1]:
        found = found[name]
    found[place[-1]] = value
    with pytest.raises(BadUse, match="is not as pytest-benchmark writes it"):
        read(_written(tmp_path, content), tmp_path)


def test_ordinary_pytest_collects_no_benchmarks():
    said = _pytest("--collect-only", "-q", "--ignore", "tests/impls", "-p", "no:cacheprovider")
    assert "tests/bench/core/test_case.py" in said
    assert "quick.py" not in said
