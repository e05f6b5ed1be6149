"""The device, stream and arguments of launches, tested with a fake in place of cuda-core."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from impls.sliding_channel_conv2d.cuda import launcher

core = pytest.importorskip("cuda.core")


@pytest.fixture
def launched(monkeypatch):
    """The launches: each with the current device and stream, the grid, the block, the kernel and its arguments."""
    calls, current = [], SimpleNamespace(device=None)

    @contextmanager
    def device_context(device):
        current.device = device
        yield
        current.device = None

    def launch(stream, config, kernel, *arguments):
        calls.append((current.device, stream, config.grid[0], config.block[0], kernel, arguments))

    properties = SimpleNamespace(multi_processor_count=132, major=9, minor=0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.cuda, "device", device_context)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: f"stream of {current.device}")
    monkeypatch.setattr(core, "Device", lambda index: SimpleNamespace(set_current=lambda: None))
    monkeypatch.setattr(core, "launch", launch)
    loaded = SimpleNamespace(from_cubin=lambda code: SimpleNamespace(get_kernel=lambda name: (code, name)))
    monkeypatch.setattr(core, "ObjectCode", loaded)
    monkeypatch.setattr(launcher, "compiled", lambda kernel, sm: SimpleNamespace(code=(kernel, sm), name="mangled"))
    return calls


def test_a_launch_uses_the_tensors_device_and_its_current_stream(launched):
    device = torch.device("cuda", 1)
    gpu = launcher.Gpu(device)
    tensor = torch.zeros(3)
    gpu.launch("pack_weights<Half>", 7, 128, (tensor, None, 5))
    ((launch_device, stream, blocks, threads, kernel, arguments),) = launched
    assert (launch_device, stream) == (device, f"stream of {device}")
    assert (blocks, threads, gpu.multiprocessors) == (7, 128, 132)
    assert kernel == (("pack_weights<Half>", "sm_90"), "mangled")
    pointer, nothing, number = arguments
    assert (type(pointer), pointer) == (int, tensor.data_ptr()), "a number of a pointer's size"
    assert (type(nothing), nothing) == (int, 0)
    assert (type(number), number) == (np.uint32, 5), "of 32 bits"
