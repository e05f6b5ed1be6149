"""The peaks of a GPU are measured once, in a process of their own."""

import logging
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.core.target import Target
from bench.peaks import gpu
from bench.peaks.model import Bandwidth, GpuPeaks

MEASURED = GpuPeaks(
    gpu="A GPU",
    peaks={"float32": 50e3},
    bandwidths=[Bandwidth(working_set_bytes=10**9, bytes_per_second=3e12)],
    empty_graph_ns=1500.0,
)


def test_peaks_are_measured_once_for_each_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(stdout=MEASURED.model_dump_json(), stderr="")

    monkeypatch.setattr(gpu, "environment", lambda libraries: SimpleNamespace(gpu="A GPU (driver 1)"))
    monkeypatch.setattr(gpu.subprocess, "run", run)
    assert gpu.peaks(tmp_path / "machines") == MEASURED
    assert gpu.peaks(tmp_path / "machines") == MEASURED
    assert [command[-1] for command in commands] == ["bench.peaks.gpu"]
    monkeypatch.setattr(gpu, "environment", lambda libraries: SimpleNamespace(gpu="A GPU (driver 2)"))
    gpu.peaks(tmp_path / "machines")
    assert len(commands) == 2, "another driver has other peaks"


@pytest.mark.skipif(Target("cuda").unavailable() is None, reason="there is a GPU")
def test_without_a_gpu_there_are_no_peaks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "featherbench"):
        assert gpu.peaks(tmp_path) is None
    assert re.search(r"the GPU's peaks could not be measured: \w*Error: .", caplog.text)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_hangs_is_abandoned(tmp_path: Path, monkeypatch, caplog: pytest.LogCaptureFixture) -> None:
    def run(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 300)

    monkeypatch.setattr(gpu.subprocess, "run", run)
    assert gpu.peaks(tmp_path) is None
    assert "timed out after 300 seconds" in caplog.text


@pytest.mark.skipif(Target("cuda").unavailable() is not None, reason=str(Target("cuda").unavailable()))
def test_on_a_gpu_all_peaks_are_measured(tmp_path: Path) -> None:
    peaks = gpu.peaks(tmp_path)
    assert peaks is not None
    assert peaks.peaks["float16"] > peaks.peaks["tf32"] > peaks.peaks["float32"] > peaks.peaks["float64"] / 2
    assert [each.working_set_bytes for each in peaks.bandwidths] == list(gpu.WORKING_SETS)
    assert 100 < peaks.empty_graph_ns < 100e3
