"""The CUDA operations for events, blocking and an empty cache, with their order and units."""

from types import SimpleNamespace

import pytest

from bench.measure.gpu import device as device_module
from bench.measure.gpu.device import CACHES, CudaDevice

L2_BYTES = 1 << 20
GHZ = 1.5


class Cuda:
    """Stands for torch.cuda: its stream does its work when the host synchronizes; its clock runs at 1.5 GHz."""

    def __init__(self):
        self.operations = []
        self.stream = "the default one"
        self.ns = self.done_ns = 0.0

    def Stream(self):  # noqa: N802
        return "a stream of its own"

    def set_stream(self, stream):
        self.stream = stream

    def get_device_properties(self):
        return SimpleNamespace(L2_cache_size=L2_BYTES)

    def _sleep(self, cycles):
        self.operations.append(("sleep", cycles))
        self.ns += cycles / GHZ

    def synchronize(self):
        self.operations.append("synchronize")
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
        self.cuda.operations.append(("read", self.bytes))


@pytest.fixture
def cuda(monkeypatch):
    simulated = Cuda()
    monkeypatch.setattr(device_module, "_cuda", simulated)
    torch = SimpleNamespace(zeros=lambda words, dtype, device: Buffer(simulated, words, dtype), int32="int32")
    monkeypatch.setattr(device_module, "torch", torch)
    return simulated


def test_the_stream_is_blocked_for_the_given_time_by_a_clock_that_is_measured_first(cuda):
    device = CudaDevice(flushes=False)
    before = device.record_event()
    device.block_stream(20e3)
    after = device.record_event()
    assert before.reached()
    assert not after.reached()
    device.finish()
    assert after.reached()
    assert after.since(before) == pytest.approx(20e3)
    assert cuda.operations[-2:] == [("sleep", 30_000), "synchronize"]


def test_the_cache_is_flushed_by_reading_a_larger_buffer(cuda):
    device = CudaDevice(flushes=True)
    cuda.operations.clear()
    device.flush()
    assert cuda.operations == [("read", CACHES * L2_BYTES)]
    assert CACHES >= 2


def test_a_device_that_does_not_flush_keeps_no_buffer(cuda):
    CudaDevice(flushes=False).flush()
    assert cuda.operations[-1] == ("read", 0)
