"""What timing needs of a GPU: marks in its stream of work, something to keep it busy with, an empty cache."""

from typing import Any, Protocol

import torch

_cuda: Any = torch.cuda  # in part untyped


class Mark(Protocol):
    """A place in the stream of work."""

    def reached(self) -> bool:
        """Whether the GPU has done all before it."""

    def since(self, earlier: Any) -> float:
        """Ns between two marks, both reached."""


class Device(Protocol):
    """One stream of a GPU. What is asked of it comes one after the other, later than asked; only ``finish`` waits."""

    def mark(self) -> Mark: ...

    def hold(self, ns: float) -> None:
        """Be busy for about so long."""

    def flush(self) -> None:
        """Fill the L2 cache with what nobody needs, unmodified, so that nothing has to be written back later."""

    def finish(self) -> None:
        """Wait until all is done."""


class _Event:
    """A mark by an event of CUDA's, of a resolution of half a microsecond or better."""

    def __init__(self) -> None:
        self.event = _cuda.Event(enable_timing=True)
        self.event.record()

    def reached(self) -> bool:
        return bool(self.event.query())

    def since(self, earlier: "_Event") -> float:
        return float(earlier.event.elapsed_time(self.event)) * 1e6


CACHES = 2
"""Times the size of the L2 cache is read to empty it."""
_CYCLES = 10_000_000


def make_float32_exact() -> None:
    """In PyTorch's products and convolutions, for this process, until somebody allows TF32.

    Not by their fp32_precision: what has been set by that, compilers and cudnn.flags() cannot read.
    """
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


class CudaDevice:
    """The current device, and from now on a stream of this thread's own, which CUDA graphs can be captured from."""

    def __init__(self, flushes: bool) -> None:
        _cuda.set_stream(_cuda.Stream())
        self.properties = _cuda.get_device_properties()
        words = CACHES * self.properties.L2_cache_size // 4 if flushes else 0
        self._other = torch.zeros(words, dtype=torch.int32, device="cuda")
        self._cycles_per_ns = self._clock()

    def mark(self) -> _Event:
        return _Event()

    def hold(self, ns: float) -> None:
        _cuda._sleep(int(ns * self._cycles_per_ns))

    def flush(self) -> None:
        self._other.sum()

    def finish(self) -> None:
        _cuda.synchronize()

    def _clock(self) -> float:
        """Cycles of the sleeping kernel in a nanosecond, once the clock has had time to rise."""
        _cuda._sleep(10 * _CYCLES)
        before = self.mark()
        _cuda._sleep(_CYCLES)
        after = self.mark()
        self.finish()
        return _CYCLES / after.since(before)
