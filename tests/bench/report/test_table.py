"""The notes in the rows of the table."""

import pytest

from bench.report.compare import ONE_PROCESS, compare_each
from bench.report.frame import frame
from bench.report.table import results_table


@pytest.fixture
def note(make_record, make_run):
    """Return a function that gives the note of a record in a table with the baseline."""

    def note_of(record, **changes):
        run = make_run([make_record(), record], **changes)
        table = results_table(frame([run]), compare_each([run]), [])
        index = [column.heading for column in table.columns].index("Notes")
        (line,) = (line for line in table.lines if line.implementation == record.implementation)
        return line.cells[index].text.replace("\u00a0", " ")

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
