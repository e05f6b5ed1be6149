"""A line from which arrays were cut is put together again exactly, whatever the line is."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from bench.core.record import Record
from bench.store.arrays import CutLine

CreateRecord = Callable[..., Record]


def test_samples_of_each_round_are_cut_out() -> None:
    line = b'{"parameters":{"kernel":[3,3]},"latency":{"rounds":[[3.5,0.25],[4.0]],"numbers":[1,2]}}'
    cut = CutLine.cut(line)
    assert cut.text == b'{"parameters":{"kernel":[3,3]},"latency":{"rounds":[\0,\0],"numbers":[1,2]}}'
    assert cut.arrays == ([3.5, 0.25], [4.0])
    assert cut.whole() == line


def test_samples_and_curves_of_a_record_are_cut_out(record: CreateRecord) -> None:
    check = {"passed": True, "curves": {"loss": [1.5, 0.25, 0.0001], "tiny": [1.5, 9.5367431640625e-7]}}
    line = record(check=check).model_dump_json().encode()
    cut = CutLine.cut(line)
    assert cut.arrays == ([1.5, 0.25, 0.0001], [3.0, 4.0])
    assert cut.whole() == line


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(1e-4, 1e15) | st.floats(-1e15, -1e-4) | st.just(0.0), min_size=1)))
def test_numbers_of_usual_size_are_cut_out_as_pydantic_writes_them(arrays: list[list[float]]) -> None:
    line = b'{"rounds":' + to_json(arrays) + b"}"
    assert CutLine.cut(line).arrays == tuple(arrays)
    assert CutLine.cut(line).whole() == line


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(), min_size=1)))
def test_all_numbers_are_put_back(arrays: list[list[float]]) -> None:
    for line in (to_json(arrays), json.dumps(arrays, separators=(",", ":")).encode(), json.dumps(arrays).encode()):
        assert CutLine.cut(line).whole() == line


@settings(deadline=None)
@given(st.one_of(st.binary(), st.text(alphabet='[]{},."0123456789eE+-\\ ', max_size=100).map(str.encode)))
def test_any_line_is_put_together_exactly(line: bytes) -> None:
    assert CutLine.cut(line).whole() == line


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"42",
        b"[]",
        b"[3,4]",
        b"[3.5,4]",
        b"[3.50]",
        b"[1e5]",
        b"[1e16]",
        b"[1e-7]",
        b"[0.00001]",
        b"[3.5, 4.0]",
        b"[3.5,]",
        b"[3.5,,4.0]",
        b"[1e999]",
        b"[NaN]",
        b'["3.5"]',
        b"[-]",
        b"[3.5",
        b"\0[3.5]",
    ],
)
def test_what_could_not_be_put_back_is_left_where_it_is(line: bytes) -> None:
    assert CutLine.cut(line) == (line, ())


def test_arrays_in_torn_lines_and_in_texts_are_put_back_too() -> None:
    line = json.dumps({"reason": "tried [3.5]", "rounds": [[4.5]]}).encode()[:-2]
    cut = CutLine.cut(line)
    assert cut.arrays == ([3.5], [4.5])
    assert cut.whole() == line
