"""Limits of a GPU are measured in a process of its own, once."""

import logging
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.core.target import Target
from bench.limits import gpu
from bench.limits.model import Flow, GpuLimits

FOUND = GpuLimits(
    gpu="A GPU",
    peaks={"float32": 50e3},
    flows=[Flow(working_set_bytes=10**9, bytes_per_second=3e12)],
    empty_graph_ns=1500.0,
)


def test_they_are_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(stdout=FOUND.model_dump_json(), stderr="")

    monkeypatch.setattr(gpu, "environment", lambda libraries: SimpleNamespace(gpu="A GPU (driver 1)"))
    monkeypatch.setattr(gpu.subprocess, "run", run)
    assert gpu.limits(tmp_path / "machines") == FOUND
    assert gpu.limits(tmp_path / "machines") == FOUND
    assert [command[-1] for command in commands] == ["bench.limits.gpu"]
    monkeypatch.setattr(gpu, "environment", lambda libraries: SimpleNamespace(gpu="A GPU (driver 2)"))
    gpu.limits(tmp_path / "machines")
    assert len(commands) == 2, "another driver is another limit"


@pytest.mark.skipif(Target("cuda").unavailable() is None, reason="there is a GPU")
def test_without_a_gpu_there_are_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "featherbench"):
        assert gpu.limits(tmp_path) is None
    assert re.search(r"the GPU's limits could not be measured: \w*Error: .", caplog.text)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_hangs_is_given_up(tmp_path: Path, monkeypatch, caplog: pytest.LogCaptureFixture) -> None:
    def run(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 300)

    monkeypatch.setattr(gpu.subprocess, "run", run)
    assert gpu.limits(tmp_path) is None
    assert "timed out after 300 seconds" in caplog.text


@pytest.mark.skipif(Target("cuda").unavailable() is not None, reason=str(Target("cuda").unavailable()))
def test_on_a_gpu_all_are_measured(tmp_path: Path) -> None:
    found = gpu.limits(tmp_path)
    assert found is not None
    assert found.peaks["float16"] > found.peaks["tf32"] > found.peaks["float32"] > found.peaks["float64"] / 2
    assert [flow.working_set_bytes for flow in found.flows] == list(gpu.WORKING_SETS)
    assert 100 < found.empty_graph_ns < 100e3
