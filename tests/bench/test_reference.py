"""The committed runs of every schema are read and compared."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from bench import store
from bench.core.record import SCHEMA
from bench.report.compare import NOT_TOGETHER, ONE_PROCESS, compare, compare_runs
from bench.report.html import write_report
from bench.store import Run
from bench.store.parquet import read_packed

REFERENCE = Path(__file__).parents[2] / "results/reference"
OLD = [
    path.parent.name
    for path in sorted(REFERENCE.glob("*/run.json"))
    if json.loads(path.read_text())["schema_version"] == 1
]


@pytest.fixture(scope="module", params=sorted(path.parent.name for path in REFERENCE.glob("*/run.json")))
def run(request: pytest.FixtureRequest) -> Run:
    return Run.open(REFERENCE / request.param)


def lines(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in read_packed(run.folder / "records.parquet")]


def test_every_line_is_read(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "featherbench"):
        reopened = Run.open(run.folder)
    assert caplog.messages == []
    stored = {(line["workload"], line["implementation"], line["case"], line["target"]) for line in lines(run)}
    assert {tuple(record.key) for record in reopened.records} == stored
    assert {record.schema_version for record in reopened.records} == {SCHEMA}
    assert {record.machine for record in reopened.records} <= run.info.machines.keys()
    assert run.info.machine.environment.machine_id in run.info.machines


def test_it_is_packed(run: Run) -> None:
    """An unpacked run takes about six times the space, in every clone."""
    assert not (run.folder / "records.jsonl").exists(), f"featherbench pack {run.folder}"


@pytest.mark.parametrize("name", ["graph_propagation-graphs-edge-zen5", "node_classification-equal-edge-zen5"])
def test_unpacked_it_is_compared_and_reported_the_same(name: str, tmp_path: Path) -> None:
    packed, folder = Run.open(REFERENCE / name), tmp_path / name
    folder.mkdir()
    (folder / "run.json").write_bytes((packed.folder / "run.json").read_bytes())
    lines = read_packed(packed.folder / "records.parquet")
    (folder / "records.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    unpacked = Run.open(folder)
    assert unpacked.records == packed.records
    assert compare(unpacked) == compare(packed)
    page, other_page = (write_report([run], tmp_path / "report.html").read_bytes() for run in (packed, unpacked))
    assert page == other_page


def test_its_baseline_is_compared_with_every_record(run: Run) -> None:
    """Every record that passed is in a ratio, where the baseline passed too."""
    rows = compare(run)
    compared = [case for row in rows if row.ratio for case in row.cases]
    assert compared
    for row in rows:
        assert (row.ratio is None) == (row.verdict is None)
        assert row.ratio or row.reason
    passed = {(r.implementation, r.case) for r in run.records if r.latency}
    without_ratio = [row for row in rows if row.ratio is None and (row.implementation, row.case) in passed]
    assert all((row.against, row.case) not in passed for row in without_ratio)


def test_a_run_does_not_differ_from_itself(run: Run) -> None:
    for row in compare_runs(run, run):
        if row.ratio:
            assert row.ratio.estimate == pytest.approx(1.0)
            assert row.verdict == "cannot tell"


@pytest.mark.parametrize("name", OLD)
class TestSchema1:
    """Runs that were measured in one process each."""

    @pytest.fixture
    def old(self, name: str) -> Run:
        return store.find(name, REFERENCE)

    def test_latencies_equal_the_stored_medians(self, old: Run) -> None:
        medians = {
            (line["workload"], line["implementation"], line["case"], line["target"]): line["latency"]["median"]
            for line in lines(old)
            if line["latency"]
        }
        assert {tuple(record.key): record.latency.estimate for record in old.records if record.latency} == medians

    def test_each_comparison_says_that_one_process_was_measured(self, old: Run) -> None:
        for row in compare(old):
            if row.ratio and len(row.cases) == 1:
                assert row.reason == ONE_PROCESS
            elif row.ratio:
                assert ONE_PROCESS not in row.reason
            assert NOT_TOGETHER not in row.reason
