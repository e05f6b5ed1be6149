"""The layer's way to its GPU kernels, walked on the CPU, where their operators are compositions."""

import pytest
import torch

from impls.sliding_channel_conv2d import SlidingChannelConv2d
from impls.sliding_channel_conv2d.layer import backends
from impls.sliding_channel_conv2d.layer import cuda as on_gpu


@pytest.fixture(autouse=True)
def cpu_passes_for_a_gpu(monkeypatch):
    def takes(x):
        return x.dtype in on_gpu.DTYPES

    monkeypatch.setattr(on_gpu, "takes", takes)
    monkeypatch.setattr(backends, "cuda_takes", takes)


@pytest.fixture
def called(monkeypatch):
    """The operators that are called, by the name of what they compute."""
    names = []
    for name in ("convolve", "input_gradient", "weight_gradient"):
        operator = getattr(on_gpu, name)

        def listed(*arguments, name=name, operator=operator):
            names.append(name)
            return operator(*arguments)

        monkeypatch.setattr(on_gpu, name, listed)
    return names


def layer_and_input(dtype=torch.float32):
    torch.manual_seed(0)
    return SlidingChannelConv2d(8, 12, cg=2, co="1/3", dtype=dtype), torch.randn(2, 8, 3, 4, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_forward_and_gradients_go_through_the_operators(called, dtype):
    layer, x = layer_and_input(dtype)
    x.requires_grad_()
    y = layer(x)
    assert called == ["convolve"]
    y.sum().backward()
    assert called == ["convolve", "input_gradient", "weight_gradient"]
    plain = SlidingChannelConv2d(8, 12, cg=2, co="1/3", dtype=torch.float64, backend="masked_dense")
    plain.load_state_dict({name: value.double() for name, value in layer.state_dict().items() if "extra" not in name})
    again = x.detach().double().requires_grad_()
    wanted = plain(again)
    wanted.sum().backward()
    tolerance = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}[dtype]
    for found, expected in ((y, wanted), (x.grad, again.grad), (layer.weight.grad, plain.weight.grad)):
        assert (found.double() - expected).abs().max() <= tolerance * expected.abs().max()


def test_autocast_computes_in_its_dtype_and_gradients_come_back_in_that_of_the_parameters(called):
    layer, x = layer_and_input()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    y.float().sum().backward()
    assert called == ["convolve", "weight_gradient"]
    assert layer.weight.grad.dtype == torch.float32


def test_other_types_get_ordinary_operators(called):
    layer, x = layer_and_input(torch.float64)
    layer(x)
    assert called == []


def test_channels_last_stay_last():
    layer, x = layer_and_input()
    y = layer(x.contiguous(memory_format=torch.channels_last))
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_it_compiles_whole_with_the_operator_in_it():
    layer, x = layer_and_input()
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph.code)
        return graph.forward

    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(layer, fullgraph=True, backend=backend)(x), layer(x))
    assert "featherbench.sliding_channel_conv2d" in graphs[0]
