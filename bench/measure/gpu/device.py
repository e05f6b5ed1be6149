"""The GPU operations that timing needs: recording events, blocking the stream with a kernel, emptying the cache."""

from typing import Any, Protocol

import torch

_cuda: Any = torch.cuda  # in part untyped


class Event(Protocol):
    """A point in the stream of work."""

    def reached(self) -> bool:
        """Whether the GPU has done all work before it."""

    def since(self, earlier: Any) -> float:
        """Return the time from ``earlier`` to this event, ns; both must be reached."""


class Device(Protocol):
    """One stream of a GPU. Work runs in the order of submission, later than submitted; only ``finish`` waits."""

    def record_event(self) -> Event: ...

    def block_stream(self, ns: float) -> None:
        """Keep the stream busy for about ``ns``."""

    def flush(self) -> None:
        """Fill the L2 cache with unmodified data that nobody needs, so that nothing has to be written back later."""

    def finish(self) -> None:
        """Wait until all is done."""


class _Event:
    """A CUDA event, with a resolution of half a microsecond or better."""

    def __init__(self) -> None:
        self.event = _cuda.Event(enable_timing=True)
        self.event.record()

    def reached(self) -> bool:
        return bool(self.event.query())

    def since(self, earlier: "_Event") -> float:
        return float(earlier.event.elapsed_time(self.event)) * 1e6


CACHES = 2
"""Multiple of the L2 cache's size that is read to empty it."""
_CYCLES = 10_000_000


def make_float32_exact() -> None:
    """Make float32 exact in PyTorch's products and convolutions, in this process, until TF32 is allowed.

    This does not set their fp32_precision, whose values compilers and cudnn.flags() cannot read.
    """
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


class CudaDevice:
    """The current device. Creating it gives this thread a stream of its own, from which CUDA graphs can be captured."""

    def __init__(self, flushes: bool) -> None:
        _cuda.set_stream(_cuda.Stream())
        self.properties = _cuda.get_device_properties()
        words = CACHES * self.properties.L2_cache_size // 4 if flushes else 0
        self._flush_buffer = torch.zeros(words, dtype=torch.int32, device="cuda")
        self._cycles_per_ns = self._measure_cycles_per_ns()

    def record_event(self) -> _Event:
        return _Event()

    def block_stream(self, ns: float) -> None:
        _cuda._sleep(int(ns * self._cycles_per_ns))

    def flush(self) -> None:
        self._flush_buffer.sum()

    def finish(self) -> None:
        _cuda.synchronize()

    def _measure_cycles_per_ns(self) -> float:
        """Return the sleeping kernel's cycles in a nanosecond, once the clock has had time to rise."""
        _cuda._sleep(10 * _CYCLES)
        before = self.record_event()
        _cuda._sleep(_CYCLES)
        after = self.record_event()
        self.finish()
        return _CYCLES / after.since(before)
