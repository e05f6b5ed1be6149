import importlib
import os
import sys
from pathlib import Path

import pytest

from bench import machine
from bench.limits import host
from bench.limits.host import LimitsUnavailable
from bench.limits.model import Bandwidth, Limits, Peak


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Limits]:
    """Stands in for the measurement; grows by one with each."""
    taken: list[Limits] = []

    def measure(quick: bool) -> Limits:
        threads = sorted({1, len(os.sched_getaffinity(0))})
        found = Limits(
            peaks=[Peak(isa="avx2", threads=n, gflops=50) for n in threads],
            bandwidths=[Bandwidth(working_set_bytes=1000, threads=1, bytes_per_second=1e9)],
        )
        taken.append(found)
        return found

    monkeypatch.setattr(host, "measure_limits", measure)
    return taken


def test_limits_are_measured_once(tmp_path: Path, measured: list[Limits]) -> None:
    first = host.limits(tmp_path / "machines")
    assert host.limits(tmp_path / "machines") == first
    assert len(measured) == 1
    host.limits(tmp_path / "machines", thorough=True)
    assert len(measured) == 2
    assert [path.name for path in tmp_path.glob("machines/*")] == [f"{machine.environment([]).machine_id}.json"]


@pytest.mark.parametrize("text", ["", '{"peaks": [', '{"some": "thing"}', '{"peaks": [], "bandwidths": []}', "\x80"])
def test_a_useless_file_of_limits_is_replaced(tmp_path: Path, measured: list[Limits], text: str) -> None:
    path = tmp_path / f"{machine.environment([]).machine_id}.json"
    path.write_text(text, encoding="latin-1")
    assert host.limits(tmp_path) == measured[0]
    assert Limits.model_validate_json(path.read_bytes()) == measured[0]


def test_without_the_native_part_there_are_no_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bench._limits", None)
    with pytest.raises(LimitsUnavailable, match=r"pip install \."):
        host.measure_limits()
    assert host.limits(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


class TestNative:
    @pytest.fixture
    def native(self) -> object:
        return pytest.importorskip("bench._limits", reason="the native part is not built: pip install .")

    def test_every_limit_is_measured_and_the_affinity_stays(self, native: object) -> None:
        before = os.sched_getaffinity(0)
        limits = host.measure_limits()
        assert os.sched_getaffinity(0) == before
        assert {peak.threads for peak in limits.peaks} == {1, len(before)}
        assert {flow.working_set_bytes for flow in limits.bandwidths} == set(host.WORKING_SETS)

    @pytest.mark.parametrize(("isa", "threads", "seconds"), [("mmx", 1, 0.01), ("scalar", 0, 0.01), ("scalar", 1, 0)])
    def test_nonsense_is_refused(self, native: object, isa: str, threads: int, seconds: float) -> None:
        with pytest.raises(ValueError, match=r"no mmx|at least 1|above 0"):
            importlib.import_module("bench._limits").fma_gflops(isa, threads, seconds)
