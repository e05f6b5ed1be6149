"""Targets: where implementations run, and with what caps."""

import os

import pytest

from bench.core.errors import BadUse
from bench.core.target import Target


@pytest.mark.parametrize("text", ["cpu", "edge", "edge:avx2", "cpu:avx2", "cuda"])
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


def test_cuda_says_why_not() -> None:
    reason = Target("cuda").unavailable()
    assert reason is not None
    assert reason.startswith("target cuda")
