"""The channel-index tensors of windows: in eager calls, under compilers, and with fake tensors."""

from fractions import Fraction

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from impls.sliding_channel_conv2d import SlidingChannelConv2d
from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.layer import channels, sliced_gemm
from impls.sliding_channel_conv2d.layer.backends import BACKENDS

CPU = torch.device("cpu")


@pytest.mark.parametrize("co", ["0", "1/3", "0.33", "0.333333333333333333", "0.99999999999999999"])
def test_compilers_get_the_same_channels(monkeypatch, co):
    windows = Windows(64, 512, 2, Fraction(co))
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert (channels.channel_index(windows, CPU).numpy() == windows.channels).all()


@pytest.mark.parametrize("name", [name for name in BACKENDS if name not in ("native", "cuda")])
def test_fake_tensors_leave_nothing_behind_for_real_ones(monkeypatch, name):
    """This holds even where tensors are kept, as on a GPU."""
    for module in (channels, sliced_gemm):
        monkeypatch.setattr(module, "keeps", lambda device: type(torch.empty(0)) is torch.Tensor)
    layer = SlidingChannelConv2d(8, 10, cg=2, co="2/5", backend=name)
    x = torch.randn(2, 8, 3, 3)
    expected = layer(x)
    for _ in range(2):
        with FakeTensorMode(allow_non_fake_inputs=True):
            assert layer(torch.empty(2, 8, 3, 3)).shape == expected.shape
        torch.testing.assert_close(layer(x), expected)


def test_a_layer_can_be_trained_after_its_tensors_were_kept_under_inference_mode(monkeypatch):
    monkeypatch.setattr(channels, "keeps", lambda device: True)
    layer = SlidingChannelConv2d(8, 12, cg=2, co="3/7", backend="window_copies")
    x = torch.randn(2, 8, 3, 3)
    with torch.inference_mode():
        layer(x)
    layer(x).sum().backward()
    assert layer.weight.grad is not None
