"""Measures memory and time of calls on a GPU."""

import gc
from dataclasses import asdict, replace
from typing import Any, Self

import torch

from bench.core.target import COLD, GRAPH, Target
from bench.core.trained import Trained
from bench.core.workload import Call, Problem
from bench.measure import memory
from bench.measure.gpu.device import CudaDevice, Device, make_float32_exact
from bench.measure.gpu.graph import Replay
from bench.measure.gpu.problem import DeviceProblem
from bench.measure.gpu.timing import Timer
from bench.measure.gpu.watch import Nvml, Watch
from bench.measure.latency import Round


class Gpu:
    """A ``Meter`` for calls that compute on a GPU."""

    def __init__(self, target: Target, device: Device, watch: Watch, name: str) -> None:
        self._device, self._watch, self._name = device, watch, name
        self._replays = target.option == GRAPH
        self._timer = Timer(device, watch, cold=target.option == COLD)
        self._usable = True

    @classmethod
    def present(cls, target: Target) -> Self:
        """Return the meter of this machine's GPU, and give this thread a stream of its own.

        float32 is then float32 in PyTorch's products and convolutions, unless an implementation allows TF32.
        """
        make_float32_exact()
        device = CudaDevice(flushes=target.option == COLD)
        properties = device.properties
        watch = Watch(Nvml(f"GPU-{properties.uuid}"))
        watch.look()  # The first look takes long, as it loads the library; its facts are dropped.
        watch.facts()
        return cls(target, device, watch, properties.name)

    def allow_memory(self, extra_bytes: int) -> None:
        """Limit memory on the host and, by as much again, on the GPU in PyTorch's allocator."""
        memory.allow(extra_bytes)
        total: int = torch.cuda.get_device_properties().total_memory
        allowed = torch.cuda.memory_reserved() + extra_bytes
        torch.cuda.set_per_process_memory_fraction(min(1.0, allowed / total))

    def to_device(self, problem: Problem) -> Problem:
        return DeviceProblem.of(problem, "cuda")

    def adapt(self, call: Call) -> Call:
        """Return the replay of the call's CUDA graph, where that is the target, or else ``call``.

        After a failed capture PyTorch's state is undefined, and ``release_memory`` raises RuntimeError.
        """
        if not self._replays:
            return call
        self._usable = False
        replay = Replay(call)
        self._usable = True
        return replace(call, predict=replay) if isinstance(call, Trained) else replay

    def finish(self) -> None:
        self._device.finish()

    def release_memory(self) -> None:
        if not self._usable:
            raise RuntimeError("a CUDA graph could not be captured, and this process is of no more use")
        self.finish()
        gc.collect()
        torch.cuda.empty_cache()

    def held_bytes(self) -> int:
        """Return the memory of tensors; for CUDA graphs, all reserved memory.

        Between replays, the memory that graphs keep for intermediate outputs belongs to no tensor.
        """
        return torch.cuda.memory_reserved() if self._replays else torch.cuda.memory_allocated()

    def driver_bytes(self) -> int:
        free, total = torch.cuda.mem_get_info()
        return int(total - free)

    def peak_of(self, call: Call) -> int:
        """Return the peak by PyTorch's allocator, which has its own high-water mark."""
        self.release_memory()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        output: Any = call()
        self.finish()
        peak = torch.cuda.max_memory_allocated()
        del output
        return max(0, peak - before)

    def warm_up(self, call: Call, plan: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call until the start-up trend is gone; plan rounds each time, as their size depends on the host too."""
        return asdict(self._timer.warm_up(call))

    def take_round(self, call: Call) -> Round:
        return self._timer.take_round(call)

    def facts(self) -> dict[str, str]:
        return {"GPU": self._name, **self._timer.facts(), **self._watch.facts()}
