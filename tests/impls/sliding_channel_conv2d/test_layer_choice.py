"""Which backend the layer chooses for tensors stored channels last."""

import pytest
import torch

from impls.sliding_channel_conv2d import SlidingChannelConv2d
from impls.sliding_channel_conv2d.layer.backends import BACKENDS, choose


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 16, 5, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("channels", "co", "expected"),
    [
        ((16, 24), 0.5, "masked_dense"),
        ((256, 128), 0.5, "sliced_gemm_nhwc"),
        ((256, 120), 0.5, "masked_dense"),  # 15 filters a window
        ((256, 256), 0.33, "masked_dense"),  # many windows
        ((256, 129), 0.5, "masked_dense"),  # filters that no whole number of cycles holds
    ],
)
def test_training_on_channels_last_tensors_keeps_their_order(
    channels: tuple[int, int], co: float, expected: str
) -> None:
    layer = SlidingChannelConv2d(*channels, cg=4, co=co)
    x = torch.randn(2, channels[0], 5, 6).to(memory_format=torch.channels_last).requires_grad_()
    assert choose(x, layer.windows) == expected
    y = layer(x)
    y.square().sum().backward()
    assert x.grad is not None
    dense = BACKENDS["masked_dense"]
    other = dense.convolve(x, *dense.pack(layer.weight, layer.bias, layer.windows), layer.windows)
    torch.testing.assert_close(x.grad, torch.autograd.grad(other.square().sum(), x)[0], rtol=1e-3, atol=1e-3)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert x.grad.is_contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu"):
        assert choose(x, layer.windows) == "masked_dense"


def test_without_gradients_or_in_the_usual_order_the_choice_does_not_change(x: torch.Tensor) -> None:
    windows = SlidingChannelConv2d(16, 24, cg=4, co=0.5).windows
    usual = choose(x, windows)
    with torch.no_grad():
        assert choose(x.to(memory_format=torch.channels_last), windows) == choose(x, windows) == usual


def test_gradients_are_the_same_in_either_order(x: torch.Tensor) -> None:
    layer = SlidingChannelConv2d(16, 24, cg=4, co=0.5)
    gradients = []
    for images in (x, x.to(memory_format=torch.channels_last)):
        layer.zero_grad()
        layer(images).square().sum().backward()
        assert layer.weight.grad is not None
        gradients.append(layer.weight.grad.clone())
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)
