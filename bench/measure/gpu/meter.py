"""Weighs and times calls on a GPU."""

import gc
from typing import Any, Self

import torch

from bench.core.target import COLD, GRAPH, Target
from bench.core.workload import Call, Problem
from bench.measure import memory
from bench.measure.gpu.device import CudaDevice, Device, make_float32_exact
from bench.measure.gpu.graph import Replay
from bench.measure.gpu.problem import DeviceProblem
from bench.measure.gpu.timing import Timer
from bench.measure.gpu.watch import Nvml, Watch
from bench.measure.latency import Turn


class Gpu:
    """A ``Meter`` of calls that ask a GPU for what they compute."""

    def __init__(self, target: Target, device: Device, watch: Watch, name: str) -> None:
        self._device, self._watch, self._name = device, watch, name
        self._replays = target.option == GRAPH
        self._timer = Timer(device, watch, cold=target.option == COLD)
        self._sound = True

    @classmethod
    def present(cls, target: Target) -> Self:
        """Of the GPU that is here, and from now on in a stream of this thread's own.

        float32 is then float32 in PyTorch's products and convolutions, unless an implementation allows TF32.
        """
        make_float32_exact()
        device = CudaDevice(flushes=target.option == COLD)
        properties = device.properties
        watch = Watch(Nvml(f"GPU-{properties.uuid}"))
        watch.look()  # The first takes long, as the library is loaded; nothing is there yet to be told of.
        watch.facts()
        return cls(target, device, watch, properties.name)

    def allow_memory(self, extra_bytes: int) -> None:
        """On the host and, as much again, on the GPU by PyTorch's allocator."""
        memory.allow(extra_bytes)
        total: int = torch.cuda.get_device_properties().total_memory
        allowed = torch.cuda.memory_reserved() + extra_bytes
        torch.cuda.set_per_process_memory_fraction(min(1.0, allowed / total))

    def place(self, problem: Problem) -> Problem:
        return DeviceProblem.of(problem, "cuda")

    def adapt(self, call: Call) -> Call:
        """As a CUDA graph, where that is the target. After a failed capture nothing settles: PyTorch is in disorder."""
        if not self._replays:
            return call
        self._sound = False
        replay = Replay(call)
        self._sound = True
        return replay

    def finish(self) -> None:
        self._device.finish()

    def settle(self) -> None:
        if not self._sound:
            raise RuntimeError("a CUDA graph could not be captured, and this process is of no more use")
        self.finish()
        gc.collect()
        torch.cuda.empty_cache()

    def held_bytes(self) -> int:
        """Of CUDA graphs with what they keep for answers on the way, which are no tensors between replays."""
        return torch.cuda.memory_reserved() if self._replays else torch.cuda.memory_allocated()

    def driver_bytes(self) -> int:
        free, total = torch.cuda.mem_get_info()
        return int(total - free)

    def peak_of(self, call: Call) -> int:
        """By PyTorch's allocator, which has its own high-water mark."""
        self.settle()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        answer: Any = call()
        self.finish()
        peak = torch.cuda.max_memory_allocated()
        del answer
        return max(0, peak - before)

    def warm_up(self, call: Call) -> int:
        return self._timer.warm_up(call)

    def take_turn(self, call: Call) -> Turn:
        return self._timer.take_turn(call)

    def facts(self) -> dict[str, str]:
        return {"GPU": self._name, **self._timer.facts(), **self._watch.facts()}
