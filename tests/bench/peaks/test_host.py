import importlib
import os
import sys
from pathlib import Path

import pytest

from bench import machine
from bench.peaks import host
from bench.peaks.host import PeaksUnavailableError
from bench.peaks.model import HostBandwidth, Peak, Peaks


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Peaks]:
    """Replace the measurement, and list the peaks that it returned."""
    returned: list[Peaks] = []

    def measure(quick: bool) -> Peaks:
        threads = sorted({1, len(os.sched_getaffinity(0))})
        peaks = Peaks(
            peaks=[Peak(isa="avx2", threads=n, gflops=50) for n in threads],
            bandwidths=[HostBandwidth(working_set_bytes=1000, threads=1, bytes_per_second=1e9)],
        )
        returned.append(peaks)
        return peaks

    monkeypatch.setattr(host, "measure_peaks", measure)
    return returned


def test_peaks_are_measured_once(tmp_path: Path, measured: list[Peaks]) -> None:
    first = host.peaks(tmp_path / "machines")
    assert host.peaks(tmp_path / "machines") == first
    assert len(measured) == 1
    host.peaks(tmp_path / "machines", thorough=True)
    assert len(measured) == 2
    assert [path.name for path in tmp_path.glob("machines/*")] == [f"{machine.environment([]).machine_id}.json"]


def test_what_takes_time_is_announced(tmp_path: Path, measured: list[Peaks], monkeypatch: pytest.MonkeyPatch) -> None:
    announced: list[str] = []
    monkeypatch.setattr(host.importlib.util, "find_spec", lambda name: name)
    for _ in range(2):
        host.peaks(tmp_path, watch=announced.append)
    assert announced == ["measuring the peaks of this machine, once"]


@pytest.mark.parametrize("text", ["", '{"peaks": [', '{"some": "thing"}', '{"peaks": [], "bandwidths": []}', "\x80"])
def test_an_invalid_file_of_peaks_is_replaced(tmp_path: Path, measured: list[Peaks], text: str) -> None:
    path = tmp_path / f"{machine.environment([]).machine_id}.json"
    path.write_text(text, encoding="latin-1")
    assert host.peaks(tmp_path) == measured[0]
    assert Peaks.model_validate_json(path.read_bytes()) == measured[0]


def test_without_the_native_part_there_are_no_peaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bench._peaks", None)
    with pytest.raises(PeaksUnavailableError, match=r"pip install \."):
        host.measure_peaks()
    announced: list[str] = []
    assert host.peaks(tmp_path, watch=announced.append) is None
    assert announced == []
    assert list(tmp_path.iterdir()) == []


class TestNative:
    @pytest.fixture
    def native(self) -> object:
        return pytest.importorskip("bench._peaks", reason="the native part is not built: pip install .")

    def test_every_peak_is_measured_and_the_affinity_is_restored(self, native: object) -> None:
        before = os.sched_getaffinity(0)
        peaks = host.measure_peaks()
        assert os.sched_getaffinity(0) == before
        assert {peak.threads for peak in peaks.peaks} == {1, len(before)}
        assert {each.working_set_bytes for each in peaks.bandwidths} == set(host.WORKING_SETS)

    @pytest.mark.parametrize(("isa", "threads", "seconds"), [("mmx", 1, 0.01), ("scalar", 0, 0.01), ("scalar", 1, 0)])
    def test_invalid_arguments_are_refused(self, native: object, isa: str, threads: int, seconds: float) -> None:
        with pytest.raises(ValueError, match=r"no mmx|at least 1|above 0"):
            importlib.import_module("bench._peaks").fma_gflops(isa, threads, seconds)
