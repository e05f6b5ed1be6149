"""Runs of schema 1 are read, such as this committed one, cut down to a few of its records."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.core.record import Record, Status
from bench.core.schema1 import upgraded_record, upgraded_run
from bench.store.parquet import read_packed

REFERENCE = Path(__file__).parents[3] / "results/reference/grouped_conv2d-odd-edge-zen5"
MACHINE = "0123456789ab"


@pytest.fixture
def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in read_packed(REFERENCE / "records.parquet")]


@pytest.fixture
def stored(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """A record that passed."""
    return next(line for line in lines if line["status"] == "passed")


STOPPED = {"sure": "precise", "budget": "budget", None: None}


def test_every_line_of_the_run_is_a_record(lines: list[dict[str, Any]]) -> None:
    assert {line["schema_version"] for line in lines} == {1}
    records = [Record.model_validate(upgraded_record(line, MACHINE)) for line in lines]
    assert [record.status for record in records] == [line["status"] for line in lines]
    assert {record.status for record in records} == {Status.PASSED, Status.UNSUPPORTED}


def test_a_record_keeps_its_values(stored: dict[str, Any]) -> None:
    record, latency = Record.model_validate(upgraded_record(stored, MACHINE)), stored["latency"]
    assert (record.schema_version, record.machine, record.session) == (2, MACHINE, stored["sitting"])
    assert record.key == (stored["workload"], stored["implementation"], stored["case"], stored["target"])
    for name in ("parameters", "reason", "facts"):
        assert getattr(record, name) == stored[name]
    assert record.latency is not None
    assert record.latency.rounds == latency["turns"]
    assert record.latency.estimate == latency["median"]
    assert (record.latency.low, record.latency.high) == (latency["low"], latency["high"])
    assert record.latency.calls_per_sample == latency["inner"]
    assert (record.latency.off_cpu, record.latency.stopped) == (latency["preempted"], STOPPED[latency["stopped"]])
    assert record.memory is not None
    assert record.memory.peak_bytes == stored["memory"]["peak_bytes"]
    assert record.memory.growth_bytes is None


def test_its_rounds_are_numbered_in_order_and_belong_to_one_process(stored: dict[str, Any]) -> None:
    latency = Record.model_validate(upgraded_record(stored, MACHINE)).latency
    assert latency is not None
    assert latency.numbers == list(range(len(latency.rounds)))
    assert set(latency.processes) == {0}
    assert latency.disturbed is None
    assert len(latency.undisturbed) == len(latency.rounds)


def test_steps_have_their_current_names(stored: dict[str, Any]) -> None:
    seconds = upgraded_record(stored, MACHINE)["seconds"]
    assert seconds == {
        "load": stored["seconds"]["load"],
        "prepare": stored["seconds"]["prepare"],
        "measure_memory": stored["seconds"]["weigh"],
        "check": stored["seconds"]["check"],
        "warm_up": stored["seconds"]["warm"],
        "round": stored["seconds"]["turn"],
        "recheck": stored["seconds"]["recheck"],
    }


def test_the_number_of_launch_bound_samples_is_kept(stored: dict[str, Any]) -> None:
    stored["latency"]["exposed"] = 7
    latency = Record.model_validate(upgraded_record(stored, MACHINE)).latency
    assert latency is not None
    assert latency.launch_bound == 7


def test_upgrading_does_not_modify_its_argument(stored: dict[str, Any]) -> None:
    run = json.loads((REFERENCE / "run.json").read_text())
    before = json.dumps([stored, run])
    upgraded_record(stored, MACHINE)
    upgraded_run(run, MACHINE)
    assert json.dumps([stored, run]) == before


def test_a_run_becomes_a_run_of_a_single_machine() -> None:
    stored = json.loads((REFERENCE / "run.json").read_text())
    run = upgraded_run(stored, MACHINE)
    assert run["schema_version"] == 2
    assert run["budget"] == {
        "timed_s": stored["spending"]["budget_s"],
        "timeout_s": stored["spending"]["timeout_s"],
        "memory_bytes": stored["spending"]["memory_bytes"],
    }
    assert run["machines"] == {
        MACHINE: {
            "environment": stored["environment"],
            "threads": stored["threads"],
            "peaks": stored["limits"],
            "noise_floor": stored["noise_floor"],
        }
    }
    assert not {"spending", "environment", "threads", "limits", "noise_floor"} & set(run)


@pytest.mark.parametrize("missing", ["sitting", "turns", "median", "inner"])
def test_a_record_without_a_field_of_schema_1_is_refused(stored: dict[str, Any], missing: str) -> None:
    for part in (stored, stored["latency"]):
        part.pop(missing, None)
    with pytest.raises(KeyError, match=missing):
        upgraded_record(stored, MACHINE)
