"""Lines survive in a Parquet file exactly; any other file is refused in one line."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from pydantic_core import to_json

from bench.core.errors import UsageError
from bench.core.record import SCHEMA, Latency, Record
from bench.store import Run
from bench.store.parquet import PACKED, packed_bytes, read_packed

ROOT = Path(__file__).parents[3]

CreateRun = Callable[..., Run]
CreateRecord = Callable[..., Record]

FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1)
FLOATS32 = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1)
TOTALS = st.lists(st.integers(1, 2**53 - 1), min_size=1)


def line(arrays: Sequence[Sequence[float]], calls: int = 1) -> bytes:
    return b'{"latency":{"rounds":' + to_json(arrays) + f',"calls_per_sample":{calls}}}}}'.encode()


def stored(lines: Sequence[bytes], folder: Path) -> Path:
    path = folder / PACKED
    path.write_bytes(packed_bytes(lines))
    return path


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(FLOATS | FLOATS32), st.integers(0, 2**60)), min_size=1, max_size=4))
def test_all_finite_numbers_survive(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[list[list[float]], int]]
) -> None:
    """A line is the same only if each of its numbers is, since their shortest texts identify them."""
    lines = [line(arrays, calls) for arrays, calls in drawn]
    assert read_packed(stored(lines, tmp_path_factory.getbasetemp())) == lines


@settings(deadline=None)
@given(st.lists(TOTALS, min_size=1), st.integers(1, 10**9))
def test_whole_ns_of_several_calls_survive(
    tmp_path_factory: pytest.TempPathFactory, totals: list[list[int]], calls: int
) -> None:
    lines = [line([[total / calls for total in part] for part in totals], calls)]
    assert read_packed(stored(lines, tmp_path_factory.getbasetemp())) == lines


@pytest.mark.parametrize("name", ["calls_per_sample", "inner"])
def test_numbers_are_stored_in_the_form_that_takes_least_space(name: str, tmp_path: Path) -> None:
    rounds = line([[100 / 7, 200 / 7], [300 / 7], [0.5, -0.0], [0.1]], 7).replace(b"calls_per_sample", name.encode())
    table = parquet.read_table(stored([rounds, b"text"], tmp_path))
    text = f'{{"latency":{{"rounds":[\0,\0,\0,\0],"{name}":7}}}}'
    assert table["text"].to_pylist() == [text.encode(), b"text"]
    assert table["calls"].to_pylist() == [7, 1]
    assert table["totals_ns"].to_pylist() == [[[100, 200], [300], None, None], []]
    assert table["float32"].to_pylist() == [[None, None, [0.5, -0.0], None], []]
    assert table["float64"].to_pylist() == [[None, None, None, [0.1]], []]


@pytest.mark.parametrize("text", [b"", b"{}", b"\0\xff", b"\0[1.5]", "Überlänge".encode(), b"x" * 100_000])
def test_any_text_survives(text: bytes, tmp_path: Path) -> None:
    assert read_packed(stored([text, text], tmp_path)) == [text, text]


def test_samples_take_little_space(record: CreateRecord) -> None:
    """Two bytes are enough for a sample that varies by 1 %, where it takes about 17 in a line of JSON."""
    random = Random(1)
    rounds = [[round(random.gauss(150_000, 1500)) / 41 for _ in range(32)] for _ in range(1000)]
    latency = Latency(
        rounds=rounds,
        numbers=list(range(1000)),
        processes=[0] * 1000,
        calls_per_sample=41,
        estimate=3658.5,
        low=3650.0,
        high=3660.0,
        stopped="budget",
    )
    text = record(latency=latency).model_dump_json().encode()
    assert len(packed_bytes([text])) < 2 * 32_000 + 10_000 < len(text) / 7


class TestOtherFiles:
    @pytest.fixture
    def lines(self, record: CreateRecord) -> list[bytes]:
        return [*(record(name).model_dump_json().encode() for name in ("a", "b", "c")), b'{"torn']

    def test_no_file_has_no_lines(self, tmp_path: Path) -> None:
        assert read_packed(tmp_path / PACKED) == []

    def test_a_truncated_file_is_refused(self, lines: list[bytes], tmp_path: Path) -> None:
        path = stored(lines, tmp_path)
        content = path.read_bytes()
        for length in range(len(content)):
            path.write_bytes(content[:length])
            with pytest.raises(UsageError, match=r"records\.parquet is damaged, .*; restore it from a copy$"):
                read_packed(path)

    def test_a_changed_byte_is_noticed_or_changes_nothing(self, lines: list[bytes], tmp_path: Path) -> None:
        """Only bytes that no reader needs, such as statistics, may change unnoticed."""
        path = stored(lines, tmp_path)
        content = path.read_bytes()
        messages = []
        for position in range(len(content)):
            changed = bytearray(content)
            changed[position] ^= 1 + position % 255
            path.write_bytes(changed)
            try:
                read = read_packed(path)
            except UsageError as error:
                messages.append(str(error))
            else:
                assert read == lines
        assert len(messages) > 0.8 * len(content)
        assert not any("\n" in message for message in messages)

    def test_a_foreign_parquet_file_is_refused(self, tmp_path: Path) -> None:
        parquet.write_table(pa.table({"text": ["theirs"]}), tmp_path / PACKED)
        with pytest.raises(UsageError, match="is damaged, or holds no packed records"):
            read_packed(tmp_path / PACKED)

    def test_a_file_of_a_newer_release_is_refused(self, lines: list[bytes], tmp_path: Path) -> None:
        table = pa.table({"anything": [1]}).replace_schema_metadata({b"featherbench_schema": str(SCHEMA + 1)})
        parquet.write_table(table, tmp_path / PACKED)
        with pytest.raises(
            UsageError,
            match=rf"records\.parquet has schema {SCHEMA + 1}, and this featherbench reads {SCHEMA}: upgrade it",
        ):
            read_packed(tmp_path / PACKED)

    def test_a_file_that_cannot_be_read_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / PACKED).mkdir()
        with pytest.raises(UsageError, match=r"cannot read .*: Is a directory"):
            read_packed(tmp_path / PACKED)


def test_parquet_is_only_imported_for_packed_runs(create: CreateRun, record: CreateRecord) -> None:
    run = create()
    run.append([record()])
    program = "import sys; from bench.store import Run; Run.open(__import__('pathlib').Path(sys.argv[1])); "
    program += "sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program, str(run.folder)], cwd=ROOT).returncode == 0
