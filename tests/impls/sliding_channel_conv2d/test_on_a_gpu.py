"""The layer on a real GPU: eager, compiled, in CUDA graphs, on streams and on several devices."""

import copy

import pytest
import torch

from bench.core.target import Target
from impls.sliding_channel_conv2d import SlidingChannelConv2d

pytestmark = pytest.mark.skipif(Target("cuda").unavailable() is not None, reason=str(Target("cuda").unavailable()))
ERROR = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}


@pytest.fixture(autouse=True)
def without_tf32():
    """Switch TF32 off, so that outputs can be compared in float32."""
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
    """Return y and the gradients of x, weight and bias."""
    x = x.detach().requires_grad_()
    y = layer(x)
    return (y.detach(), *torch.autograd.grad(y.square().sum(), (x, layer.weight, layer.bias)))


def in_float64(layer, x):
    reference = SlidingChannelConv2d(64, 96, cg=4, co="1/3", dtype=torch.float64, backend="masked_dense")
    reference.load_state_dict({name: value.cpu() for name, value in layer.state_dict().items()})
    return gradients(reference, x.cpu().double())


def assert_close(outputs, references, dtype):
    for output, expected in zip(outputs, references, strict=True):
        assert output.dtype == dtype
        assert (output.cpu().double() - expected).abs().max() <= ERROR[dtype] * expected.abs().max()


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dtype", ERROR)
def test_outputs_are_close_to_float64_and_repeatable_bit_by_bit(dtype, last):
    layer, x = layer_and_input(dtype, last=last)
    outputs = gradients(layer, x)
    assert_close(outputs, in_float64(layer, x), dtype)
    for first, second in zip(outputs, gradients(layer, x), strict=True):
        assert torch.equal(first, second)


def test_float32_is_multiplied_as_tf32_where_convolutions_may_be():
    layer, x = layer_and_input()
    in_float32 = layer(x)
    torch.backends.cudnn.allow_tf32 = True
    error = (layer(x) - in_float32).abs().max() / in_float32.abs().max()
    assert 1e-6 < error < 1e-3, "rounded, and no more than TF32 is"


def test_autocast_computes_in_its_dtype():
    layer, x = layer_and_input()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    assert (y - layer(x)).abs().max() <= 4e-2 * y.abs().max()


def test_a_cuda_graph_can_be_captured_and_replayed():
    layer, x = layer_and_input()
    expected = gradients(layer, x)  # also loads the kernels and makes the tables
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        gradients(layer, x)
    torch.cuda.current_stream().wait_stream(stream)
    with torch.cuda.graph(graph, stream=stream):
        outputs = gradients(layer, x)
    for output in outputs:
        output.fill_(torch.nan)
    graph.replay()
    for output, expected_output in zip(outputs, expected, strict=True):
        assert torch.equal(output, expected_output)
    x.mul_(2)
    graph.replay()
    torch.testing.assert_close(outputs[0], layer(x).detach(), rtol=0, atol=0)


def test_on_a_side_stream_the_layer_runs_after_earlier_work_of_the_stream():
    layer, x = layer_and_input()
    expected, other = layer(x).detach(), torch.zeros_like(x)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        torch.cuda._sleep(50_000_000)
        other.copy_(x)
        output = layer(other).detach()
        assert not stream.query(), "nothing has waited for the GPU"
    stream.synchronize()
    assert torch.equal(output, expected)


@pytest.mark.parametrize("name", ["masked_dense", "window_copies", "window_groups", "sliced_gemm", "cuda"])
def test_nothing_waits_for_the_gpu(name):
    layer, x = layer_and_input()
    layer.backend = name
    gradients(layer, x)  # makes the tensors that are kept
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError):
            x.sum().item()  # this waits, which the debug mode reports
        outputs = gradients(layer, x)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(output.isfinite().all() for output in outputs)


def test_the_layer_compiles_whole_and_exports():
    layer, x = layer_and_input()
    expected = gradients(layer, x)
    torch._dynamo.reset()
    outputs = gradients(torch.compile(layer, fullgraph=True), x)
    for output, expected_output in zip(outputs, expected, strict=True):
        torch.testing.assert_close(output, expected_output, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.export.export(layer, (x,)).module()(x).detach(), expected[0])


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_the_layer_runs_on_another_device_than_the_current_one():
    layer, x = layer_and_input()
    expected = gradients(layer, x)
    outputs = gradients(copy.deepcopy(layer).to("cuda:1"), x.to("cuda:1"))
    for output, expected_output in zip(outputs, expected, strict=True):
        assert output.device == torch.device("cuda", 1)
        assert torch.equal(output.cpu(), expected_output.cpu())
