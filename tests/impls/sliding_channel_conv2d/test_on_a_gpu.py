"""The layer on a real GPU: its kernels alone, under compilers, in CUDA graphs, on streams and on several devices."""

import copy

import pytest
import torch

from bench.core.target import Target
from impls.sliding_channel_conv2d import SlidingChannelConv2d

pytestmark = pytest.mark.skipif(Target("cuda").unavailable() is not None, reason=str(Target("cuda").unavailable()))
ERROR = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}


@pytest.fixture(autouse=True)
def exact():
    """float32 is multiplied as float32, wherever it is compared."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def layer_and_input(dtype=torch.float32, device="cuda", last=False):
    torch.manual_seed(0)
    layer = SlidingChannelConv2d(64, 96, cg=4, co="1/3", dtype=dtype, device=device, backend="cuda")
    x = torch.randn(5, 64, 14, 14, dtype=dtype, device=device)
    return layer, x.contiguous(memory_format=torch.channels_last) if last else x


def gradients(layer, x):
    """Y, and the gradients of x, weight and bias."""
    x = x.detach().requires_grad_()
    y = layer(x)
    return (y.detach(), *torch.autograd.grad(y.square().sum(), (x, layer.weight, layer.bias)))


def in_float64(layer, x):
    plain = SlidingChannelConv2d(64, 96, cg=4, co="1/3", dtype=torch.float64, backend="masked_dense")
    plain.load_state_dict({name: value.cpu() for name, value in layer.state_dict().items()})
    return gradients(plain, x.cpu().double())


def assert_close(found, wanted, dtype):
    for ours, right in zip(found, wanted, strict=True):
        assert ours.dtype == dtype
        assert (ours.cpu().double() - right).abs().max() <= ERROR[dtype] * right.abs().max()


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dtype", ERROR)
def test_against_float64_and_bit_by_bit_the_same_again(dtype, last):
    layer, x = layer_and_input(dtype, last=last)
    found = gradients(layer, x)
    assert_close(found, in_float64(layer, x), dtype)
    for one, again in zip(found, gradients(layer, x), strict=True):
        assert torch.equal(one, again)


def test_as_tf32_where_convolutions_may_be():
    layer, x = layer_and_input()
    exact = layer(x)
    torch.backends.cudnn.allow_tf32 = True
    error = (layer(x) - exact).abs().max() / exact.abs().max()
    assert 1e-6 < error < 1e-3, "rounded, and no more than TF32 is"


def test_autocast():
    layer, x = layer_and_input()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    assert (y - layer(x)).abs().max() <= 4e-2 * y.abs().max()


def test_in_a_cuda_graph():
    layer, x = layer_and_input()
    wanted = gradients(layer, x)  # kernels are loaded, tables made
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        gradients(layer, x)
    torch.cuda.current_stream().wait_stream(stream)
    with torch.cuda.graph(graph, stream=stream):
        found = gradients(layer, x)
    for answer in found:
        answer.fill_(torch.nan)
    graph.replay()
    for one, again in zip(found, wanted, strict=True):
        assert torch.equal(one, again)
    x.mul_(2)
    graph.replay()
    torch.testing.assert_close(found[0], layer(x).detach(), rtol=0, atol=0)


def test_on_a_side_stream_it_waits_for_what_is_before_it_there():
    layer, x = layer_and_input()
    wanted, other = layer(x).detach(), torch.zeros_like(x)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        torch.cuda._sleep(50_000_000)
        other.copy_(x)
        found = layer(other).detach()
        assert not stream.query(), "nothing has waited for the GPU"
    stream.synchronize()
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("name", ["masked_dense", "window_copies", "window_groups", "sliced_gemm", "cuda"])
def test_nothing_waits_for_the_gpu(name):
    layer, x = layer_and_input()
    layer.backend = name
    gradients(layer, x)  # what is kept is made
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError):
            x.sum().item()  # this does, and is found
        answers = gradients(layer, x)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(answer.isfinite().all() for answer in answers)


def test_compiled_whole_and_exported():
    layer, x = layer_and_input()
    wanted = gradients(layer, x)
    torch._dynamo.reset()
    for one, again in zip(gradients(torch.compile(layer, fullgraph=True), x), wanted, strict=True):
        torch.testing.assert_close(one, again, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.export.export(layer, (x,)).module()(x).detach(), wanted[0])


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_on_another_device_than_the_current_one():
    layer, x = layer_and_input()
    wanted = gradients(layer, x)
    for one, again in zip(gradients(copy.deepcopy(layer).to("cuda:1"), x.to("cuda:1")), wanted, strict=True):
        assert one.device == torch.device("cuda", 1)
        assert torch.equal(one.cpu(), again.cpu())
