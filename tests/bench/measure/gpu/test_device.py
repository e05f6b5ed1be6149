"""What is asked of CUDA for marks, waiting and an empty cache, in which order and in which units."""

from types import SimpleNamespace

import pytest

from bench.measure.gpu import device as device_module
from bench.measure.gpu.device import CACHES, CudaDevice

L2_BYTES = 1 << 20
GHZ = 1.5


class Cuda:
    """In place of torch.cuda: a stream whose work is done when somebody waits, with a clock of 1.5 GHz."""

    def __init__(self):
        self.asked = []
        self.stream = "the default one"
        self.ns = self.done_ns = 0.0

    def Stream(self):  # noqa: N802
        return "a stream of its own"

    def set_stream(self, stream):
        self.stream = stream

    def get_device_properties(self):
        return SimpleNamespace(L2_cache_size=L2_BYTES)

    def _sleep(self, cycles):
        self.asked.append(("sleep", cycles))
        self.ns += cycles / GHZ

    def synchronize(self):
        self.asked.append("synchronize")
        self.done_ns = self.ns

    def Event(self, enable_timing=False):  # noqa: N802
        cuda = self

        class Event:
            def record(self):
                assert cuda.stream == "a stream of its own"
                self.at = cuda.ns

            def query(self):
                return cuda.done_ns >= self.at

            def elapsed_time(self, later):
                assert enable_timing
                assert later.query(), "not before it is reached"
                return (later.at - self.at) / 1e6  # ms

        return Event()


class Buffer:
    def __init__(self, cuda, words, dtype):
        self.cuda, self.bytes = cuda, words * 4
        assert dtype == "int32"

    def sum(self):
        self.cuda.asked.append(("read", self.bytes))


@pytest.fixture
def cuda(monkeypatch):
    made = Cuda()
    monkeypatch.setattr(device_module, "_cuda", made)
    zeros = SimpleNamespace(zeros=lambda words, dtype, device: Buffer(made, words, dtype), int32="int32")
    monkeypatch.setattr(device_module, "torch", zeros)
    return made


def test_held_for_as_long_as_asked_by_a_clock_that_is_looked_at_first(cuda):
    device = CudaDevice(flushes=False)
    before = device.mark()
    device.hold(20e3)
    after = device.mark()
    assert before.reached()
    assert not after.reached()
    device.finish()
    assert after.reached()
    assert after.since(before) == pytest.approx(20e3)
    assert cuda.asked[-2:] == [("sleep", 30_000), "synchronize"]


def test_a_cache_is_emptied_by_reading_what_is_larger(cuda):
    device = CudaDevice(flushes=True)
    cuda.asked.clear()
    device.flush()
    assert cuda.asked == [("read", CACHES * L2_BYTES)]
    assert CACHES >= 2


def test_who_empties_none_keeps_nothing_for_it(cuda):
    CudaDevice(flushes=False).flush()
    assert cuda.asked[-1] == ("read", 0)
