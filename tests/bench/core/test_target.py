"""Targets: where implementations run, and which instruction sets they may use."""

import os
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bench.core import target
from bench.core.errors import UsageError
from bench.core.target import Target


@pytest.mark.parametrize("text", ["cpu", "edge", "edge:avx2", "cpu:avx2", "cuda", "cuda:cold", "cuda:graph"])
def test_parse_and_print_round_trip(text: str) -> None:
    assert str(Target.parse(text)) == text


@pytest.mark.parametrize("text", ["gpu", "edge:", "edge:sse9", "cuda:avx2", "", "Edge"])
def test_an_unknown_target_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(UsageError, match=r"choose from cpu, edge, cuda, cpu:avx2, edge:avx2, cuda:cold, cuda:graph"):
        Target.parse(text)


def test_every_target_has_a_meaning() -> None:
    assert all(Target.parse(name).meaning for name in target.NAMES)
    assert Target.parse("edge:avx2").meaning == "one core, one thread, libraries asked to stay within AVX2"


def test_edge_is_one_core_and_one_thread_in_every_library() -> None:
    edge = Target("edge")
    assert len(edge.cores) == 1
    assert set(edge.cores) <= os.sched_getaffinity(0)
    thread_counts = {name: value for name, value in edge.environment().items() if name.endswith("_NUM_THREADS")}
    assert set(thread_counts) >= {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}
    assert set(thread_counts.values()) == {"1"}


def test_libraries_do_not_bind_threads_on_the_edge() -> None:
    """On all cores, where there is nowhere else to go, hwloc keeps its part in choosing them."""
    assert Target("edge").environment()["HWLOC_THISSYSTEM"] == "0"
    assert "HWLOC_THISSYSTEM" not in Target("cpu").environment()


def test_only_a_worker_on_a_gpu_sees_one() -> None:
    """After CUDA has been initialised, a forked process can no longer use PyTorch's random state."""
    assert Target("edge").environment()["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_VISIBLE_DEVICES" not in Target("cuda").environment()


def test_cpu_is_all_cores_of_the_affinity_mask() -> None:
    cpu = Target("cpu")
    assert set(cpu.cores) == os.sched_getaffinity(0)
    assert cpu.environment()["OMP_NUM_THREADS"] == str(len(cpu.cores))


def test_an_instruction_set_cap_is_set_for_every_library_that_can_be_capped() -> None:
    capped = set(Target("edge", "avx2").environment())
    assert {"ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"} <= capped
    assert "ONEDNN_MAX_CPU_ISA" not in Target("edge").environment()


class TestDriver:
    """A stand-in for the CUDA driver, with the replies that a driver may give."""

    @pytest.fixture
    def driver(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        def writes(value: int) -> Callable[..., int]:
            def call(pointer: Any, *_: Any) -> int:
                pointer._obj.value = value
                return 0

            return call

        driver = SimpleNamespace(
            cuInit=lambda _: 0, cuDeviceGetCount=writes(1), cuDeviceGetAttribute=writes(0), writes=writes
        )
        monkeypatch.setattr(target.ctypes, "CDLL", lambda name: driver)
        monkeypatch.setitem(
            sys.modules, "torch", SimpleNamespace(version=SimpleNamespace(cuda="13.0"), __version__="2")
        )
        return driver

    def test_a_usable_gpu_is_available(self, driver: SimpleNamespace) -> None:
        assert Target("cuda", "cold").unavailable() is None

    @pytest.mark.parametrize("mode", [2, 3])
    def test_a_gpu_in_an_exclusive_or_prohibited_mode_is_unavailable(self, driver: SimpleNamespace, mode: int) -> None:
        driver.cuDeviceGetAttribute = driver.writes(mode)
        assert "nvidia-smi --compute-mode=DEFAULT" in str(Target("cuda").unavailable())

    def test_without_a_gpu_cuda_is_unavailable(self, driver: SimpleNamespace) -> None:
        driver.cuDeviceGetCount = driver.writes(0)
        assert str(Target("cuda").unavailable()) == "target cuda needs an NVIDIA GPU, and the driver finds none"
        driver.cuInit = lambda _: 100
        assert str(Target("cuda").unavailable()).endswith("finds none (CUDA error 100)")

    def test_with_a_pytorch_without_cuda_the_target_is_unavailable(
        self, driver: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = SimpleNamespace(version=SimpleNamespace(cuda=None), __version__="2.13.0+cpu")
        monkeypatch.setitem(sys.modules, "torch", plain)
        assert "built with CUDA, and 2.13.0+cpu is not" in str(Target("cuda").unavailable())


@pytest.mark.skipif(Target("cuda").unavailable() is None, reason="there is a GPU")
def test_without_a_gpu_cuda_gives_the_reason() -> None:
    reason = Target("cuda").unavailable()
    assert reason is not None
    assert reason.startswith("target cuda")
