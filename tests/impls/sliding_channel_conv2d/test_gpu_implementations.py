"""What runs only on a GPU, as far as it can be run without one: tensors in the host's memory, kernels emulated."""

import gc
from random import Random

import pytest

from bench.core import registry
from bench.core.target import Target
from bench.measure.correctness import guarded
from bench.measure.gpu.problem import DeviceProblem
from impls.sliding_channel_conv2d.cuda import compiler, launcher

CUDA = Target("cuda")
WORKLOAD = registry.workload("sliding_channel_conv2d")
OURS = {entry.name: entry for entry in registry.implementations() if entry.workload == "sliding_channel_conv2d"}
EMULATED = [name for name in OURS if name.startswith(("native_cuda", "published"))]
COMPILED = [name for name in OURS if name.endswith("_compiled")]
OTHERS = ["masked_dense", "masked_dense_channels_last", "window_copies", "window_groups", "sliced_gemm"]


@pytest.fixture
def gpu(emulator, monkeypatch):
    """In place of a real one's launcher."""
    monkeypatch.setattr(launcher, "gpu", lambda device: emulator)
    monkeypatch.setattr(compiler, "unavailable", lambda: None)
    emulator.launched.clear()
    return emulator


def cases(seed, count, **wanted):
    random = Random(seed)
    while count:
        case = WORKLOAD.sample(random.choice)
        if all(getattr(case, name) == value for name, value in wanted.items()):
            count -= 1
            yield case


def assert_right(name, case):
    implementation = registry.load(OURS[name])
    assert implementation.supports(case) is None
    problem = DeviceProblem.of(WORKLOAD.problem(case, seed=1), "cpu")
    call = guarded(implementation.prepare(problem, CUDA), problem)
    found = WORKLOAD.check(problem, call, seed=2)
    assert found.passed, f"{name}, {case.slug}: {found.reason}"


@pytest.mark.parametrize("passes", ["forward", "backward", "train"])
@pytest.mark.parametrize("name", EMULATED)
def test_kernels_answer_right(gpu, name, passes):
    implementation = registry.load(OURS[name])
    supported = [case for case in cases(0, 40, passes=passes) if implementation.supports(case) is None]
    if passes == "forward" and "atomics" in name:
        assert not supported, "it has no forward pass of its own"
        return
    for case in supported[:8]:
        assert_right(name, case)
    kinds = {kernel.partition("<")[0].removesuffix("_exact") for kernel in gpu.launched}
    assert any(kind.startswith("published" if name.startswith("published") else "product") for kind in kinds)


@pytest.mark.parametrize("name", [name for name in EMULATED if name.startswith("native_cuda")])
def test_weights_are_packed_in_advance_where_they_stay(gpu, name):
    (case,) = cases(1, 1, passes="forward", dtype="float16")
    problem = DeviceProblem.of(WORKLOAD.problem(case, seed=1), "cpu")
    call = registry.load(OURS[name]).prepare(problem, CUDA)
    gpu.launched.clear()
    call()
    assert len(gpu.launched) == 1


@pytest.mark.parametrize("name", EMULATED)
def test_tables_go_with_the_call_that_they_were_made_for(gpu, name):
    """So that they count as what preparing leaves behind, and as nothing once the case is dropped."""

    def tables():
        gc.collect()
        return sum(type(found).__name__ in ("Tables", "_Tables") for found in gc.get_objects())

    (case,) = cases(1, 1, passes="train", dtype="float32")
    before = tables()
    problem = DeviceProblem.of(WORKLOAD.problem(case, seed=1), "cpu")
    call = registry.load(OURS[name]).prepare(problem, CUDA)
    assert tables() > before
    del call
    assert tables() == before


def test_what_kernels_do_not_take_is_told():
    for name in EMULATED:
        (case,) = cases(0, 1, dtype="float64", passes="backward")
        assert "take" in registry.load(OURS[name]).supports(case)


@pytest.mark.parametrize("dtype", ["float32", "tf32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", OTHERS)
def test_compositions_answer_right_from_tensors(name, dtype):
    implementation = registry.load(OURS[name])
    for passes in ("forward", "backward", "train"):
        supported = [case for case in cases(2, 20, dtype=dtype, passes=passes) if not implementation.supports(case)]
        for case in supported[:4]:
            assert_right(name, case)


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_compositions_answer_right(name):
    """Backward goes through one graph again and again, also where a train case of the layer was compiled before."""
    case = WORKLOAD.suites()["quick"][-1]
    for passes in ("train", "backward"):
        assert_right(name, case.model_copy(update={"passes": passes}))
