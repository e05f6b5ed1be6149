"""The columns of the table, and the notes in its rows."""

import json

import pytest

from bench.core.record import Status
from bench.core.workload import Metric
from bench.report.compare import ONE_PROCESS, compare_each
from bench.report.frame import frame
from bench.report.table import metric_column, results_table

METRICS = [
    Metric("accuracy", "test accuracy", "Share right.", is_fraction=True, higher_is_better=True),
    Metric("inflation", "inflation", "What peeking adds.", is_fraction=True),
]


@pytest.fixture
def note(make_record, make_run):
    """Return a function that gives the note of a record in a table with the baseline."""

    def note_of(record, **changes):
        run = make_run([make_record(), record], **changes)
        columns = {column["name"]: column for column in results_table(frame([run]), compare_each([run]), [])}
        index = columns["notes"]["index"][1]
        return "" if index < 0 else columns["notes"]["words"][index].replace("\u00a0", " ")

    return note_of


def test_an_ordinary_row_has_no_note(make_record, note):
    assert note(make_record("quiet")) == ""


def test_slow_calls_are_noted(make_record, note):
    assert "slow calls add 100 %" in note(make_record("tail", [1000.0] * 19 + [21_000.0]))
    assert "slow calls" not in note(make_record("even", [1000.0] * 19 + [1500.0]), name="even")


@pytest.mark.parametrize(("growth", "expected"), [(2048.0, "memory grows by 2.00 KiB per call"), (0.0, ""), (None, "")])
def test_memory_that_every_call_keeps_is_noted(make_record, note, growth, expected):
    record = make_record("leaky")
    memory = record.memory.model_copy(update={"growth_bytes": growth})
    assert note(record.model_copy(update={"memory": memory})) == expected


def test_a_single_process_is_noted(make_record, note):
    assert note(make_record("single", processes=[0] * 20)) == ONE_PROCESS


@pytest.fixture
def columns(make_record, make_run):
    """Return the columns for two cases, of which one did not pass."""
    failed = make_record("slow", parameters={"groups": 8}, status=Status.CRASHED, reason="signal 11", check=None)
    run = make_run([make_record(), make_record("slow", [2e6] * 20), failed])
    return {column["name"]: column for column in results_table(frame([run]), compare_each([run]), [])}


def test_texts_are_stored_once_and_numbers_row_by_row(columns):
    implementation = columns["implementation"]
    assert implementation["words"] == ["pytorch", "slow"]
    assert implementation["index"] == [0, 1, 1]
    assert columns["latency_ns"]["value"] == [1000.0, 2e6, None]
    assert columns["latency_ns"]["latency_high_ns"] == [1000.0, 2e6, None]
    assert columns["peak_bytes"]["prepared_bytes"] == [512.0, 512.0, None]
    assert columns["status"]["words"] == ["passed", "crashed"]
    assert columns["notes"]["words"] == ["signal 11"]


def test_parameters_are_columns_that_wait_for_the_reader(columns):
    groups, channels = columns["groups"], columns["channels_per_group"]
    assert [groups["words"][index] for index in groups["index"]] == ["4", "4", "8"]
    assert [channels["words"][index] for index in channels["index"]] == ["16", "16", "8"]
    assert groups["numeric"] is True
    assert not groups["shown"]
    assert columns["latency_ns"]["shown"]


def test_a_value_that_is_not_finite_is_json(make_trained, make_run):
    run = make_run([make_trained("pytorch", 0, 0.5, metrics={"inflation": float("inf"), "accuracy": float("nan")})])
    columns = {column["name"]: column for column in results_table(frame([run]), [], METRICS)}
    assert columns["metric_inflation"]["value"] == ["inf"]
    assert columns["metric_accuracy"]["value"] == [None]
    assert columns["metric_accuracy"]["heading"] == "Test accuracy, %"
    json.dumps(list(columns.values()), allow_nan=False)


@pytest.mark.parametrize(
    ("metric", "value_heading", "difference_heading"),
    [
        (Metric("accuracy", "test accuracy", "", is_fraction=True), "Test accuracy, %", "Test accuracy, points"),
        (Metric("epoch_s", "time an epoch", "", unit="s"), "Time an epoch, s", "Time an epoch, s"),
        (Metric("epochs", "epochs to peak", "", unit="epochs"), "Epochs to peak", "Epochs to peak"),
        (Metric("loss", "training loss", ""), "Training loss", "Training loss"),
    ],
)
def test_the_heading_of_a_metric_has_its_unit(metric: Metric, value_heading: str, difference_heading: str) -> None:
    assert metric_column(metric, metric.value_unit).heading == value_heading
    assert metric_column(metric, metric.difference_unit).heading == difference_heading
