"""A worker takes all its steps on target cuda, with a simulated GPU and tensors in the host's memory."""

import gc
import os
import weakref
from contextlib import contextmanager
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.core import registry
from bench.core.implementation import FACTS_ATTRIBUTE, with_facts
from bench.core.record import Status
from bench.core.target import Target
from bench.core.workload import Problem
from bench.measure.gpu.graph import WARM_UPS, Replay
from bench.measure.gpu.meter import Gpu
from bench.measure.gpu.problem import DeviceProblem
from bench.measure.gpu.watch import Watch
from bench.measure.guard import checksums
from bench.measure.tensors import BFLOAT16, as_array, as_tensor, fill_with_nan
from bench.run import steps
from bench.run.steps import Worker, handle_request

CALL_NS = 100e3
CORES = sorted(os.sched_getaffinity(0))


class Allocator:
    """Simulates PyTorch's allocator, with current and peak bytes; the driver has given a little more."""

    def __init__(self, monkeypatch):
        self.allocated = self.peak = 1000
        for name, function in {
            "memory_allocated": lambda: self.allocated,
            "max_memory_allocated": lambda: self.peak,
            "reset_peak_memory_stats": lambda: setattr(self, "peak", self.allocated),
            "mem_get_info": lambda: (10**6 - self.allocated - 500, 10**6),
            "empty_cache": lambda: None,
        }.items():
            monkeypatch.setattr(torch.cuda, name, function)

    def take(self, size):
        self.allocated += size
        self.peak = max(self.peak, self.allocated)


class Simulated(Gpu):
    """Each call keeps the simulated GPU busy and takes memory while it lasts; preparing takes memory that stays."""

    def __init__(self, target, gpu, allocator):
        driver = SimpleNamespace(reasons=lambda: {"SwPowerCap"}, clock_mhz=lambda: 1500, processes=list)
        super().__init__(target, gpu, Watch(driver), "A simulated GPU")
        self.gpu, self.allocator = gpu, allocator

    def allow_memory(self, extra_bytes):
        pass

    def to_device(self, problem):
        return DeviceProblem.of(problem, "cpu")

    def adapt(self, call):
        self.allocator.take(300)

        def gpu_call():
            self.gpu.call(CALL_NS)
            self.allocator.take(40)
            self.allocator.take(-40)
            return call()

        return with_facts(gpu_call, {"told": "by the call"})


@pytest.fixture
def worker(gpu, monkeypatch):
    monkeypatch.setattr(steps, "meter", lambda target: Simulated(target, gpu, Allocator(monkeypatch)))
    return Worker()


def ask(worker, step, **arguments):
    reply = handle_request(worker, {"step": step, **arguments})
    assert reply.status is Status.PASSED, reply.reason
    return reply.result


def test_every_step_of_a_worker(worker):
    (spec,) = (
        spec
        for spec in registry.implementations()
        if (spec.workload, spec.name) == ("sliding_channel_conv2d", "masked_dense")
    )
    sizes = {"cin": 8, "cout": 8, "h": 2, "w": 2, "dtype": "bfloat16"}
    ask(worker, "load", spec=asdict(spec), workload_source="impls.sliding_channel_conv2d.workload",
        target="cuda", memory_limit=0, cores=CORES)  # fmt: skip
    ask(worker, "prepare", parameters=sizes, cores=CORES)
    assert ask(worker, "measure_memory") == {
        "peak_bytes": 40,
        "prepared_bytes": 300,
        "driver_bytes": 300,
        "growth_bytes": None,
    }
    assert ask(worker, "check", keep=None)["passed"]
    calls_per_sample = ask(worker, "warm_up", cores=CORES, plan=None)["plan"]["calls_per_sample"]
    taken = ask(worker, "round")
    assert taken["samples"] == pytest.approx([CALL_NS] * len(taken["samples"]))
    assert (taken["off_cpu"], taken["throttled"], taken["launch_bound"]) == (None, True, 0)
    assert calls_per_sample == 2, "calls of 100 us to a sample of 200"
    assert ask(worker, "recheck", kept=None)["check"]["passed"]
    conclusion = ask(worker, "conclude")
    assert conclusion["check"]["passed"]
    assert (
        conclusion["facts"].items()
        >= {
            "GPU": "A simulated GPU",
            "GPU clock": "1500 MHz, 1500 to 1500",
            "GPU clock throttled by": "SwPowerCap",
            "told": "by the call",
        }.items()
    )
    ask(worker, "drop")


def test_a_problem_on_a_device_has_memory_of_its_own_and_is_refilled_in_place():
    x = np.arange(24.0, dtype=np.float32).reshape(1, 2, 3, 4)
    problem = Problem(None, {"x": x}, {"weight": x[0].astype(BFLOAT16)})
    on_device = DeviceProblem.of(problem, "cpu")
    tensor, before = on_device.inputs["x"], checksums(on_device.inputs)
    x[:] = 0
    assert checksums(on_device.inputs) == before
    assert on_device.constants["weight"].dtype == torch.bfloat16
    laid_out = on_device.lay_out("x", (0, 2, 3, 1))
    assert laid_out.is_contiguous(memory_format=torch.channels_last)
    assert laid_out.shape == tensor.shape
    on_device.refill(Problem(None, {"x": x + 7}, {}))
    assert on_device.inputs["x"] is laid_out
    assert (laid_out == 7).all()
    on_host = on_device.on_host()
    assert on_host.inputs["x"].dtype == np.float32
    assert on_host.constants["weight"].dtype == BFLOAT16
    np.testing.assert_array_equal(on_host.constants["weight"].astype(float), np.arange(24.0).reshape(2, 3, 4))


def test_arrays_and_tensors_share_memory_both_ways():
    for dtype in (np.float32, np.float16, BFLOAT16):
        array = np.zeros(3, dtype)
        tensor = as_tensor(array)
        tensor += 2
        assert (array.astype(float) == 2).all()
        assert np.shares_memory(as_array(tensor), array)
        assert as_array(tensor).dtype == dtype
        assert as_tensor(tensor) is tensor


def test_only_outputs_that_are_not_inputs_are_poisoned():
    input_tensor, output = torch.ones(3), torch.ones(3)
    with torch.inference_mode():
        inference_output = torch.ones(3)
    fill_with_nan(inference_output, [input_tensor])
    fill_with_nan(input_tensor[1:], [input_tensor])
    assert inference_output.isnan().all()
    assert not input_tensor.isnan().any()
    fill_with_nan(output, [np.ones(3)])
    assert output.isnan().all()


def test_a_graph_is_captured_once_and_replayed(monkeypatch):
    calls, replays, streams = [], [], []

    class Graph:
        def replay(self):
            replays.append(len(calls))

    @contextmanager
    def capture(graph, stream):
        assert isinstance(graph, Graph)
        streams.append(stream)
        yield

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: "this thread's")

    def prepare():
        packed = Packed()
        kept.append(weakref.ref(packed))

        def call():
            assert packed
            calls.append(None)
            return f"output {len(calls)}"

        return with_facts(call, {"plan": "a"})

    class Packed:
        pass

    kept = []
    replay = Replay(prepare())
    assert [replay(), replay()] == [f"output {WARM_UPS + 1}"] * 2
    assert replays == [WARM_UPS + 1] * 2
    assert streams == ["this thread's"]
    assert getattr(replay, FACTS_ATTRIBUTE) == {"plan": "a"}
    gc.collect()
    assert kept[0]() is not None, "the graph reads what the call was prepared with"


def test_after_a_capture_that_failed_the_worker_is_replaced(gpu, monkeypatch):
    def refuse(call):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr("bench.measure.gpu.meter.Replay", refuse)
    meter = Gpu(Target("cuda", "graph"), gpu, Watch(SimpleNamespace()), "")
    with pytest.raises(RuntimeError, match="not permitted"):
        meter.adapt("a call")
    with pytest.raises(RuntimeError, match="no more use"):
        meter.release_memory()  # so that the worker cannot drop the case, and is ended


@pytest.mark.parametrize(("name", "cold", "replays"), [("cuda", False, False), ("cuda:cold", True, False),
                                                       ("cuda:graph", False, True)])  # fmt: skip
def test_the_options_of_the_target(gpu, monkeypatch, name, cold, replays):
    monkeypatch.setattr("bench.measure.gpu.meter.Replay", lambda call: "a graph")
    meter = Gpu(Target.parse(name), gpu, Watch(SimpleNamespace()), "")
    assert meter.adapt("a call") == ("a graph" if replays else "a call")
    monkeypatch.setattr(meter._watch, "look", lambda: None)
    monkeypatch.setattr(meter._watch, "look_for_others", lambda: None)

    def call():
        gpu.call(1e4, cold_ns=3e4)

    meter.warm_up(call)
    assert set(meter.take_round(call).samples) == {3e4 if cold else 1e4}


class TestMemory:
    """Memory is read from PyTorch's allocator and from the driver, in the right order."""

    @pytest.fixture
    def cuda(self, monkeypatch):
        operations = []
        memory = {"allocated": 1000, "reserved": 3000, "highest": 9000}

        def reader(name):
            return lambda: (operations.append(name), memory[name])[1]

        def reset():
            operations.append("reset")
            memory["highest"] = memory["allocated"]

        for name, function in {
            "memory_allocated": reader("allocated"),
            "memory_reserved": reader("reserved"),
            "max_memory_allocated": reader("highest"),
            "reset_peak_memory_stats": reset,
            "empty_cache": lambda: operations.append("empty"),
            "mem_get_info": lambda: (60_000, 100_000),
            "get_device_properties": lambda: SimpleNamespace(total_memory=100_000, uuid="12-34", name="A GPU"),
            "set_per_process_memory_fraction": lambda fraction: operations.append(fraction),
        }.items():
            monkeypatch.setattr(torch.cuda, name, function)
        return SimpleNamespace(operations=operations, memory=memory)

    @pytest.fixture
    def meter(self, gpu, cuda):
        finish = gpu.finish
        gpu.finish = lambda: (cuda.operations.append("finish"), finish())[1]
        return Gpu(Target("cuda"), gpu, Watch(SimpleNamespace()), "")

    def test_the_peak_of_a_call_is_read_once_it_is_done(self, cuda, meter):
        def call():
            cuda.operations.append("call")
            cuda.memory["highest"] = 1700

        assert meter.peak_of(call) == 700
        assert cuda.operations == ["finish", "empty", "reset", "allocated", "call", "finish", "highest"]

    def test_driver_bytes_are_total_memory_less_free_memory(self, meter):
        assert meter.driver_bytes() == 40_000

    def test_graphs_hold_all_reserved_memory(self, gpu, cuda, meter):
        assert meter.held_bytes() == 1000
        assert Gpu(Target("cuda", "graph"), gpu, Watch(SimpleNamespace()), "").held_bytes() == 3000

    def test_a_memory_limit_applies_to_the_host_and_to_the_gpu(self, cuda, meter, monkeypatch):
        host_limits = []
        monkeypatch.setattr("bench.measure.memory.allow", host_limits.append)
        meter.allow_memory(2000)
        meter.allow_memory(200_000)
        assert host_limits == [2000, 200_000]
        assert [item for item in cuda.operations if not isinstance(item, str)] == [0.05, 1.0]

    def test_a_meter_of_the_present_gpu(self, gpu, cuda, monkeypatch):
        gpu.properties, looks = SimpleNamespace(uuid="12-34", name="A GPU"), []
        monkeypatch.setattr("bench.measure.gpu.meter.CudaDevice", lambda flushes: looks.append(flushes) or gpu)

        def driver(uuid):
            assert uuid == "GPU-12-34"
            return SimpleNamespace(reasons=lambda: looks.append("NVML") or set(), clock_mhz=lambda: 1)

        monkeypatch.setattr("bench.measure.gpu.meter.Nvml", driver)
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
        meter = Gpu.present(Target("cuda", "cold"))
        assert [torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32] == [False, False]
        assert looks == [True, "NVML"], "opened before anything is timed"
        assert meter.facts()["GPU"] == "A GPU"
        assert "GPU clock" not in meter.facts(), "of that first look nothing is kept"
