"""The GPU implementations, tested without a GPU: tensors lie in the host's memory, and kernels are emulated."""

import gc
from random import Random

import pytest

from bench.core import registry
from bench.core.loading import load
from bench.core.target import Target
from bench.measure.gpu.problem import DeviceProblem
from bench.measure.guard import guard
from impls.sliding_channel_conv2d.cuda import compiler, launcher

CUDA = Target("cuda")
WORKLOAD = registry.workload("sliding_channel_conv2d")
OURS = {spec.name: spec for spec in registry.implementations() if spec.workload == "sliding_channel_conv2d"}
EMULATED = [name for name in OURS if name.startswith(("native_cuda", "published"))]
COMPILED = [name for name in OURS if name.endswith("_compiled")]
OTHERS = ["masked_dense", "masked_dense_channels_last", "window_copies", "window_groups", "sliced_gemm"]


@pytest.fixture
def gpu(emulator, monkeypatch):
    """The emulator, which replaces the launcher of a real GPU."""
    monkeypatch.setattr(launcher, "gpu", lambda device: emulator)
    monkeypatch.setattr(compiler, "unavailable", lambda: None)
    emulator.launched.clear()
    return emulator


def cases(seed, count, **fields):
    random = Random(seed)
    while count:
        case = WORKLOAD.random_case(random.choice)
        if all(getattr(case, name) == value for name, value in fields.items()):
            count -= 1
            yield case


def assert_correct(name, case):
    implementation = load(OURS[name])
    assert implementation.unsupported(case) is None
    problem = DeviceProblem.of(WORKLOAD.problem(case, seed=1), "cpu")
    call = guard(implementation.prepare(problem, CUDA), problem)
    check = WORKLOAD.check(problem, call, seed=2)
    assert check.passed, f"{name}, {case.slug}: {check.reason}"


@pytest.mark.parametrize("passes", ["forward", "backward", "train"])
@pytest.mark.parametrize("name", EMULATED)
def test_kernels_compute_correct_outputs(gpu, name, passes):
    implementation = load(OURS[name])
    supported = [case for case in cases(0, 40, passes=passes) if implementation.unsupported(case) is None]
    if passes == "forward" and "atomics" in name:
        assert not supported, "it has no forward pass of its own"
        return
    for case in supported[:8]:
        assert_correct(name, case)
    kinds = {kernel.partition("<")[0].removesuffix("_simt") for kernel in gpu.launched}
    assert any(kind.startswith("published" if name.startswith("published") else "forward") for kind in kinds)


@pytest.mark.parametrize("name", [name for name in EMULATED if name.startswith("native_cuda")])
def test_weights_are_packed_in_advance_where_they_stay(gpu, name):
    (case,) = cases(1, 1, passes="forward", dtype="float16")
    problem = DeviceProblem.of(WORKLOAD.problem(case, seed=1), "cpu")
    call = load(OURS[name]).prepare(problem, CUDA)
    gpu.launched.clear()
    call()
    assert len(gpu.launched) == 1


@pytest.mark.parametrize("name", EMULATED)
def test_tables_are_freed_with_the_prepared_call(gpu, name):
    """Therefore tables count as memory of the prepared case, and no longer once the case is dropped."""

    def tables():
        gc.collect()
        return sum(type(item).__name__ in ("Tables", "_Tables") for item in gc.get_objects())

    (case,) = cases(1, 1, passes="train", dtype="float32")
    before = tables()
    problem = DeviceProblem.of(WORKLOAD.problem(case, seed=1), "cpu")
    call = load(OURS[name]).prepare(problem, CUDA)
    assert tables() > before
    del call
    assert tables() == before


def test_unsupported_dtypes_are_refused_with_a_reason():
    for name in EMULATED:
        (case,) = cases(0, 1, dtype="float64", passes="backward")
        assert "take" in load(OURS[name]).unsupported(case)


@pytest.mark.parametrize("dtype", ["float32", "tf32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", OTHERS)
def test_compositions_compute_correct_outputs(name, dtype):
    implementation = load(OURS[name])
    for passes in ("forward", "backward", "train"):
        supported = [case for case in cases(2, 20, dtype=dtype, passes=passes) if not implementation.unsupported(case)]
        for case in supported[:4]:
            assert_correct(name, case)


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_compositions_compute_correct_outputs(name):
    """The backward pass runs through one graph repeatedly, also after a train case of the layer was compiled."""
    case = WORKLOAD.suites()["quick"][-1]
    for passes in ("train", "backward"):
        assert_correct(name, case.model_copy(update={"passes": passes}))
