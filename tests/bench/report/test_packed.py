"""A packed run is reported as it was before."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core.record import Record, Status
from bench.report.compare import compare, compare_runs
from bench.report.frame import frame
from bench.report.html import write_report
from bench.store import Run
from bench.store.packing import pack


@pytest.fixture
def records(make_record: Callable[..., Record], make_trained: Callable[..., Record]) -> list[Record]:
    diverged = {"accuracy": float("nan"), "inflation": float("inf")}
    return [
        make_record("pytorch", [1000.0, 1010.0, 990.5, 1001.0 / 3] * 5),
        make_record("slow", [2000.0, 2010.0, 1990.5, 2001.0 / 3] * 5, disturbed=[3]),
        make_record("slow", status=Status.FAILED, reason="superseded below"),
        make_record("slow", [3000.0, 3010.0, 2990.5, 3001.0 / 3] * 5),
        *(make_trained(name, seed, 0.1 * seed) for name in ("pytorch", "mine") for seed in (1, 2, 3)),
        make_trained("mine", 4, 0.5, metrics=diverged),
        make_trained("pytorch", 4, 0.5, metrics=diverged),
    ]


def test_report_comparison_and_frame_are_the_same(
    records: list[Record], make_run: Callable[..., Run], tmp_path: Path
) -> None:
    run = make_run(records)

    def page(run: Run) -> bytes:
        return write_report([run], tmp_path / "report.html").read_bytes()

    before, table, comparisons = page(run), frame([run]), (compare(run), compare_runs(run, run))
    pack(run)
    packed = Run.open(run.folder)
    assert page(packed) == before
    assert b"superseded" not in before
    assert frame([packed]).equals(table)
    assert (compare(packed), compare_runs(packed, packed)) == comparisons
