"""How the layer reaches its GPU kernels, tested on the CPU, where the operators are compositions."""

import pytest
import torch

from impls.sliding_channel_conv2d import SlidingChannelConv2d
from impls.sliding_channel_conv2d.cuda.compiler import unavailable
from impls.sliding_channel_conv2d.layer import cuda as on_gpu
from impls.sliding_channel_conv2d.layer.backends import choose


@pytest.fixture(autouse=True)
def cpu_passes_for_a_gpu(monkeypatch):
    """Pretend that a GPU can run the kernels, while the tensors stay on the CPU."""
    monkeypatch.setattr(on_gpu, "GPU", "cpu")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(on_gpu, "unavailable", lambda: None)


@pytest.fixture
def called(monkeypatch):
    """The names of the operators that are called, in order."""
    names = []
    for name in ("convolve", "input_gradient", "weight_gradient", "parameter_gradients"):
        operator = getattr(on_gpu, name)

        def recorded(*arguments, name=name, operator=operator):
            names.append(name)
            return operator(*arguments)

        monkeypatch.setattr(on_gpu, name, recorded)
    return names


def layer_and_input(dtype=torch.float32):
    torch.manual_seed(0)
    layer = SlidingChannelConv2d(8, 12, cg=2, co="1/3", dtype=dtype, backend="cuda")
    return layer, torch.randn(2, 8, 3, 4, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_forward_and_gradients_go_through_the_operators(called, dtype):
    layer, x = layer_and_input(dtype)
    x.requires_grad_()
    y = layer(x)
    assert called == ["convolve"]
    y.sum().backward()
    assert called == ["convolve", "input_gradient", "parameter_gradients"]
    reference = SlidingChannelConv2d(8, 12, cg=2, co="1/3", dtype=torch.float64, backend="masked_dense")
    state = {name: value.double() for name, value in layer.state_dict().items() if "extra" not in name}
    reference.load_state_dict(state)
    x64 = x.detach().double().requires_grad_()
    y64 = reference(x64)
    y64.sum().backward()
    pairs = zip(layer.parameters(), reference.parameters(), strict=True)
    gradients = [(parameter.grad, expected.grad) for parameter, expected in pairs]
    tolerance = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}[dtype]
    for output, expected in ((y, y64), (x.grad, x64.grad), *gradients):
        assert (output.double() - expected).abs().max() <= tolerance * expected.abs().max()


def test_autocast_computes_in_its_dtype_and_gradients_have_that_of_the_parameters(called):
    layer, x = layer_and_input()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    reference = SlidingChannelConv2d(8, 12, cg=2, co="1/3", backend="masked_dense")
    reference.load_state_dict(layer.state_dict())
    assert (y - reference(x)).abs().max() <= 0.02 * y.abs().max()
    y.float().sum().backward()
    assert called == ["convolve", "parameter_gradients"]
    assert all(parameter.grad.dtype == torch.float32 for parameter in layer.parameters())


@pytest.mark.parametrize(
    ("frozen", "operators"), [("weight", []), ("bias", ["weight_gradient"]), (None, ["parameter_gradients"])]
)
def test_one_kernel_computes_the_gradients_of_weight_and_bias_where_both_are_wanted(called, frozen, operators):
    layer, x = layer_and_input()
    if frozen:
        getattr(layer, frozen).requires_grad_(False)
    layer(x).sum().backward()
    assert called == ["convolve", *operators]
    assert [name for name, parameter in layer.named_parameters() if parameter.grad is None] == [frozen] * bool(frozen)


def test_other_dtypes_use_ordinary_operators(called):
    layer, x = layer_and_input(torch.float64)
    layer(x)
    assert called == []


@pytest.mark.parametrize(("capability", "missing"), [((7, 5), None), ((9, 0), "no compiler")])
def test_gpus_that_cannot_run_the_kernels_use_ordinary_operators(called, monkeypatch, capability, missing):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(on_gpu, "unavailable", lambda: missing)
    layer, x = layer_and_input()
    layer(x)
    assert called == []


def test_the_kernels_are_used_only_on_request(called):
    _, x = layer_and_input()
    assert choose(x, SlidingChannelConv2d(8, 12, cg=2, co="1/3").windows) != "cuda"
    SlidingChannelConv2d(8, 12, cg=2, co="1/3")(x)
    assert called == []


def test_outputs_are_channels_last_where_inputs_are():
    layer, x = layer_and_input()
    y = layer(x.contiguous(memory_format=torch.channels_last))
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_the_layer_compiles_whole_and_exports_with_its_operator(monkeypatch):
    monkeypatch.undo()  # the compiler must see the real functions where it looks into them
    if unavailable() is not None:
        pytest.skip(unavailable())
    monkeypatch.setattr(on_gpu, "GPU", "cpu")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    # Builds of PyTorch for CUDA mark it so.
    monkeypatch.setattr(on_gpu, "_usable", torch.compiler.assume_constant_result(on_gpu._usable))
    layer, x = layer_and_input()
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph.code)
        return graph.forward

    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(layer, fullgraph=True, backend=backend)(x), layer(x))
    assert "featherbench.sliding_channel_conv2d" in graphs[0]
    exported = torch.export.export(layer, (x,), strict=True)
    assert "featherbench.sliding_channel_conv2d" in str(exported.graph)
