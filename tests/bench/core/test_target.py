"""Targets: where implementations run, and with what caps."""

import os
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bench.core import target
from bench.core.errors import BadUse
from bench.core.target import Target


@pytest.mark.parametrize("text", ["cpu", "edge", "edge:avx2", "cpu:avx2", "cuda", "cuda:cold", "cuda:graph"])
def test_parse_and_print_round_trip(text: str) -> None:
    assert str(Target.parse(text)) == text


@pytest.mark.parametrize("text", ["gpu", "edge:", "edge:sse9", "cuda:avx2", "", "Edge"])
def test_unknown_targets_name_the_choices(text: str) -> None:
    with pytest.raises(BadUse, match=r"choose from cpu, edge, cuda, cpu:avx2, edge:avx2, cuda:cold, cuda:graph"):
        Target.parse(text)


def test_edge_is_one_core_and_one_thread_in_every_library() -> None:
    edge = Target("edge")
    assert len(edge.cores) == 1
    assert set(edge.cores) <= os.sched_getaffinity(0)
    asked = {name: value for name, value in edge.environment().items() if name.endswith("_NUM_THREADS")}
    assert set(asked) >= {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}
    assert set(asked.values()) == {"1"}


def test_cpu_is_all_cores_given() -> None:
    cpu = Target("cpu")
    assert set(cpu.cores) == os.sched_getaffinity(0)
    assert cpu.environment()["OMP_NUM_THREADS"] == str(len(cpu.cores))


def test_a_cap_is_asked_of_every_library_that_has_such_a_setting() -> None:
    asked = Target("edge", "avx2").environment()
    assert {"ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"} <= set(asked)
    assert "ONEDNN_MAX_CPU_ISA" not in Target("edge").environment()


class TestDriver:
    """What a driver may answer, in place of the one that is not here."""

    @pytest.fixture
    def driver(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        def put(value: int) -> Callable[..., int]:
            def call(into: Any, *_: Any) -> int:
                into._obj.value = value
                return 0

            return call

        made = SimpleNamespace(cuInit=lambda _: 0, cuDeviceGetCount=put(1), cuDeviceGetAttribute=put(0), put=put)
        monkeypatch.setattr(target.ctypes, "CDLL", lambda name: made)
        monkeypatch.setitem(
            sys.modules, "torch", SimpleNamespace(version=SimpleNamespace(cuda="13.0"), __version__="2")
        )
        return made

    def test_a_gpu_that_can_be_used(self, driver: SimpleNamespace) -> None:
        assert Target("cuda", "cold").unavailable() is None

    @pytest.mark.parametrize("mode", [2, 3])
    def test_a_gpu_for_one_process_alone_or_for_none(self, driver: SimpleNamespace, mode: int) -> None:
        driver.cuDeviceGetAttribute = driver.put(mode)
        assert "nvidia-smi --compute-mode=DEFAULT" in str(Target("cuda").unavailable())

    def test_no_gpu(self, driver: SimpleNamespace) -> None:
        driver.cuDeviceGetCount = driver.put(0)
        assert str(Target("cuda").unavailable()) == "target cuda needs an NVIDIA GPU, and the driver finds none"
        driver.cuInit = lambda _: 100
        assert str(Target("cuda").unavailable()).endswith("finds none (CUDA error 100)")

    def test_a_pytorch_without_cuda(self, driver: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
        plain = SimpleNamespace(version=SimpleNamespace(cuda=None), __version__="2.13.0+cpu")
        monkeypatch.setitem(sys.modules, "torch", plain)
        assert "built with CUDA, which 2.13.0+cpu was not" in str(Target("cuda").unavailable())


@pytest.mark.skipif(Target("cuda").unavailable() is None, reason="there is a GPU")
def test_cuda_says_why_not() -> None:
    reason = Target("cuda").unavailable()
    assert reason is not None
    assert reason.startswith("target cuda")
