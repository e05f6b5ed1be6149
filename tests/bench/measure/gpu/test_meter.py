"""A worker from its first step to its last on target cuda, with a simulated GPU and tensors in the host's memory."""

from contextlib import contextmanager
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.core import registry
from bench.core.implementation import FACTS, telling
from bench.core.record import Status
from bench.core.target import Target
from bench.core.workload import Problem
from bench.measure.correctness import checksums
from bench.measure.gpu.graph import WARM_UPS, captured
from bench.measure.gpu.meter import Gpu
from bench.measure.gpu.problem import DeviceProblem
from bench.measure.gpu.watch import Watch
from bench.measure.tensors import BFLOAT16, as_array, as_tensor, fill_with_nan
from bench.run import worker as worker_module
from bench.run.worker import Worker, answer

CALL_NS = 100e3


class Allocator:
    """PyTorch's, of so many bytes now and at its highest; the driver has given a little more."""

    def __init__(self, monkeypatch):
        self.held = self.highest = 1000
        for name, function in {
            "memory_allocated": lambda: self.held,
            "max_memory_allocated": lambda: self.highest,
            "reset_peak_memory_stats": lambda: setattr(self, "highest", self.held),
            "mem_get_info": lambda: (10**6 - self.held - 500, 10**6),
            "empty_cache": lambda: None,
        }.items():
            monkeypatch.setattr(torch.cuda, name, function)

    def take(self, size):
        self.held += size
        self.highest = max(self.highest, self.held)


class Simulated(Gpu):
    """Each call keeps the simulated GPU busy, and takes memory while it lasts; preparing takes some that stays."""

    def __init__(self, target, gpu, allocator):
        driver = SimpleNamespace(reasons=lambda: {"SwPowerCap"}, clock_mhz=lambda: 1500, processes=list)
        super().__init__(target, gpu, Watch(driver), "A simulated GPU")
        self.gpu, self.allocator = gpu, allocator

    def allow_memory(self, extra_bytes):
        pass

    def place(self, problem):
        return DeviceProblem.of(problem, "cpu")

    def adapt(self, call):
        self.allocator.take(300)

        def on_gpu():
            self.gpu.call(CALL_NS)
            self.allocator.take(40)
            self.allocator.take(-40)
            return call()

        return telling(on_gpu, {"told": "by the call"})


@pytest.fixture
def worker(gpu, monkeypatch):
    monkeypatch.setattr(worker_module, "meter", lambda target: Simulated(target, gpu, Allocator(monkeypatch)))
    return Worker()


def ask(worker, step, **arguments):
    reply = answer(worker, {"step": step, **arguments})
    assert reply.status is Status.PASSED, reply.reason
    return reply.result


def test_every_step_of_a_worker(worker):
    (entry,) = (
        entry
        for entry in registry.implementations()
        if (entry.workload, entry.name) == ("sliding_channel_conv2d", "masked_dense")
    )
    sizes = {"cin": 8, "cout": 8, "h": 2, "w": 2, "dtype": "bfloat16"}
    ask(worker, "load", entry=asdict(entry), workload_module="impls.sliding_channel_conv2d.workload",
        target="cuda", memory_limit=0)  # fmt: skip
    ask(worker, "prepare", parameters=sizes, seed=1)
    assert ask(worker, "weigh") == {"peak_bytes": 40, "prepared_bytes": 300, "driver_bytes": 300}
    assert ask(worker, "check", seed=2)["passed"]
    inner = ask(worker, "warm")["inner"]
    turn = ask(worker, "turn")
    assert turn["samples"] == pytest.approx([CALL_NS] * len(turn["samples"]))
    assert (turn["preempted"], turn["throttled"], turn["exposed"]) == (None, True, 0)
    assert inner == 2, "calls of 100 us to a sample of 200"
    found = ask(worker, "recheck", seed=3)
    assert found["check"]["passed"]
    assert (
        found["facts"].items()
        >= {
            "GPU": "A simulated GPU",
            "GPU clock": "1500 MHz, 1500 to 1500",
            "GPU clock held down by": "SwPowerCap",
            "told": "by the call",
        }.items()
    )
    ask(worker, "drop")


def test_a_problem_on_a_device_has_memory_of_its_own_and_is_refilled_in_place():
    x = np.arange(24.0, dtype=np.float32).reshape(1, 2, 3, 4)
    problem = Problem(None, {"x": x}, {"weight": x[0].astype(BFLOAT16)})
    placed = DeviceProblem.of(problem, "cpu")
    tensor, before = placed.inputs["x"], checksums(placed.inputs)
    x[:] = 0
    assert checksums(placed.inputs) == before
    assert placed.constants["weight"].dtype == torch.bfloat16
    laid_out = placed.lay_out("x", (0, 2, 3, 1))
    assert laid_out.is_contiguous(memory_format=torch.channels_last)
    assert laid_out.shape == tensor.shape
    placed.refill(Problem(None, {"x": x + 7}, {}))
    assert placed.inputs["x"] is laid_out
    assert (laid_out == 7).all()
    back = placed.on_host()
    assert back.inputs["x"].dtype == np.float32
    assert back.constants["weight"].dtype == BFLOAT16
    np.testing.assert_array_equal(back.constants["weight"].astype(float), np.arange(24.0).reshape(2, 3, 4))


def test_arrays_and_tensors_share_memory_both_ways():
    for dtype in (np.float32, np.float16, BFLOAT16):
        array = np.zeros(3, dtype)
        tensor = as_tensor(array)
        tensor += 2
        assert (array.astype(float) == 2).all()
        assert np.shares_memory(as_array(tensor), array)
        assert as_array(tensor).dtype == dtype
        assert as_tensor(tensor) is tensor


def test_only_what_may_be_written_to_is_poisoned():
    read, view = torch.ones(3), torch.ones(3)
    with torch.inference_mode():
        made = torch.ones(3)
    fill_with_nan(made, [read])
    fill_with_nan(read[1:], [read])
    assert made.isnan().all()
    assert not read.isnan().any()
    fill_with_nan(view, [np.ones(3)])
    assert view.isnan().all()


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

    def call():
        calls.append(None)
        return f"answer {len(calls)}"

    replay = captured(telling(call, {"plan": "a"}))
    assert [replay(), replay()] == [f"answer {WARM_UPS + 1}"] * 2
    assert replays == [WARM_UPS + 1] * 2
    assert streams == ["this thread's"]
    assert getattr(replay, FACTS) == {"plan": "a"}


@pytest.mark.parametrize(("name", "cold", "replays"), [("cuda", False, False), ("cuda:cold", True, False),
                                                       ("cuda:graph", False, True)])  # fmt: skip
def test_the_targets_options(gpu, monkeypatch, name, cold, replays):
    monkeypatch.setattr("bench.measure.gpu.meter.captured", lambda call: "a graph")
    meter = Gpu(Target.parse(name), gpu, Watch(SimpleNamespace()), "")
    assert meter.adapt("a call") == ("a graph" if replays else "a call")
    monkeypatch.setattr(meter._watch, "throttled", lambda: None)

    def call():
        gpu.call(1e4, cold_ns=3e4)

    meter.warm_up(call)
    assert set(meter.take_turn(call).samples) == {3e4 if cold else 1e4}
