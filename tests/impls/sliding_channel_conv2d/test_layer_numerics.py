"""What the layer computes: outputs and gradients of every backend, in every dtype, and the backend that it chooses."""

import copy
import importlib.util

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from impls.native.library import unavailable
from impls.sliding_channel_conv2d import SlidingChannelConv2d
from impls.sliding_channel_conv2d._windows import Windows, overlap
from impls.sliding_channel_conv2d.layer.backends import BACKENDS, choose

SETTINGS = [
    {"cg": 1, "co": 0.5},
    {"cg": 2, "co": 0},
    {"cg": 2, "co": 0.5},
    {"cg": 4, "co": 0.25},
    {"cg": 4, "co": 0.75, "bias": False},
    {"cg": 2, "co": 0.33},
    {"cg": 8, "co": 0.75},
    {"cg": 2, "co": "1/3"},
]
SHAPE = (2, 8, 2, 1)
"""Shape of the inputs whose gradients are checked."""


def dense(layer: SlidingChannelConv2d) -> torch.nn.Conv2d:
    """Return the dense pointwise convolution that is equal to the layer."""
    windows = layer.windows
    conv = torch.nn.Conv2d(windows.cin, windows.cout, 1, bias=layer.bias is not None, dtype=layer.weight.dtype)
    with torch.no_grad():
        conv.weight.zero_()
        for i, start in enumerate(windows.starts):
            for k in range(windows.width):
                conv.weight[i, (start + k) % windows.cin] = layer.weight[i, k]
        if conv.bias is not None:
            conv.bias.copy_(layer.bias)
    return conv


def test_only_backends_that_are_not_built_are_skipped(unsupported_backends: set[str]) -> None:
    built = importlib.util.find_spec("impls.native._kernels") is not None
    assert unsupported_backends - {"cuda"} == (set() if built else {"native"})


def is_supported(name: str, **settings: object) -> bool:
    windows = Windows(8, 16, settings["cg"], overlap(settings["co"]))  # type: ignore[arg-type]
    return BACKENDS[name].unsupported(windows) is None


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_gradients_pass_gradcheck(backend: str, setting: dict[str, object]) -> None:
    if backend != "auto" and not is_supported(backend, **setting):
        with pytest.raises(ValueError, match="does not divide"):
            SlidingChannelConv2d(8, 16, backend=backend, **setting)
        return
    layer = SlidingChannelConv2d(8, 16, dtype=torch.float64, backend=backend, **setting)
    x = torch.randn(SHAPE, dtype=torch.float64, requires_grad=True)
    parameters = tuple(layer.parameters())
    names = [name for name, _ in layer.named_parameters()]

    def run(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    arguments = (x, *parameters)
    assert torch.autograd.gradcheck(run, arguments, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(run, arguments)
    torch.testing.assert_close(layer(x), dense(layer)(x))


def test_gradcheck_covers_every_choice_of_auto() -> None:
    layers = [SlidingChannelConv2d(8, 16, **setting) for setting in SETTINGS]
    x = torch.empty(SHAPE, dtype=torch.float64)
    assert {choose(x, layer.windows) for layer in layers} == {"masked_dense", "window_groups"}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_backends_agree_with_a_dense_convolution(data: st.DataObject) -> None:
    cg = data.draw(st.sampled_from([1, 2, 3, 4, 8]))
    shape = (
        data.draw(st.integers(0, 3)),
        cg * data.draw(st.integers(1, 9)),
        *data.draw(st.tuples(*[st.integers(1, 6)] * 2)),
    )
    layer = SlidingChannelConv2d(
        shape[1],
        data.draw(st.integers(1, 40)),
        cg=cg,
        co=data.draw(st.sampled_from(["0", "0.25", "0.33", "0.5", "0.75", "2/7"])),
        bias=data.draw(st.booleans()),
        dtype=torch.float64,
    )
    x = torch.randn(shape, dtype=torch.float64)
    if data.draw(st.booleans()):
        x = x.to(memory_format=torch.channels_last)
    expected = dense(layer)(x)
    for layer.backend in ["auto", *(name for name in BACKENDS if BACKENDS[name].unsupported(layer.windows) is None)]:
        torch.testing.assert_close(layer(x), expected)


def test_function_transforms_match_those_of_a_dense_convolution(backend: str) -> None:
    layer = SlidingChannelConv2d(64, 128, dtype=torch.float64, backend=backend)
    expected = dense(layer)
    x, change = torch.randn(2, 2, 64, 16, 16, dtype=torch.float64)
    _, derivative = torch.func.jvp(layer, (x,), (change,))
    torch.testing.assert_close(derivative, torch.func.jvp(expected, (x,), (change,))[1])

    def per_image(module: torch.nn.Module) -> torch.Tensor:
        def loss(image: torch.Tensor) -> torch.Tensor:
            return module(image[None]).square().sum()

        return torch.func.vmap(torch.func.grad(loss))(x)

    torch.testing.assert_close(per_image(layer), per_image(expected))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_and_autocast_compute_in_their_dtype(backend: str, dtype: torch.dtype) -> None:
    layer = SlidingChannelConv2d(16, 32, cg=4, backend=backend)
    x = torch.randn(2, 16, 4, 4)
    halved = copy.deepcopy(layer).to(dtype)
    x16 = x.to(dtype).requires_grad_()
    y = halved(x16)
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), layer(x), atol=0.05, rtol=0.02)
    y.sum().backward()
    assert halved.weight.grad is not None
    assert halved.weight.grad.dtype == dtype
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
        assert layer.double()(x.double()).dtype == torch.float64


@pytest.mark.usefixtures("fresh_compiler")
def test_mixed_dtypes_are_accepted_under_autocast(backend: str) -> None:
    """Between the layers of a network, one hands its bfloat16 output to the next."""
    layer, x = SlidingChannelConv2d(16, 32, backend=backend), torch.ones(1, 16, 2, 2, dtype=torch.bfloat16)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
        torch.testing.assert_close(compiled(x), layer(x))


class _Operators(TorchDispatchMode):
    """Lists the names of the operators that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("wanted", [(True, False), (False, True), (True, True)], ids=["x", "weight", "both"])
def test_sliced_gemm_computes_only_the_gradients_that_are_wanted(wanted: tuple[bool, bool]) -> None:
    """A frozen layer needs no gradient of its weight, and a network's first layer none of its input."""
    layer = SlidingChannelConv2d(16, 32, backend="sliced_gemm")
    x = torch.randn(2, 16, 3, 3, requires_grad=wanted[0])
    layer.weight.requires_grad_(wanted[1])
    y = layer(x)
    with _Operators() as operators:
        y.sum().backward()
    assert ("baddbmm_" in operators.names, "addbmm" in operators.names) == wanted
    assert (x.grad is not None, layer.weight.grad is not None) == wanted


@pytest.mark.parametrize(
    ("cin", "cout", "setting", "shape", "expected"),
    [
        (32, 64, {"cg": 2}, (1, 2, 2), "window_groups"),
        (32, 64, {"cg": 4, "co": 0.25}, (1, 2, 2), "window_groups"),
        (32, 64, {"cg": 2}, (1, 3, 2), "masked_dense"),
        (32, 64, {"cg": 2}, (7, 8, 8), "masked_dense"),
        (32, 64, {"cg": 2}, (8, 8, 8), "window_groups"),
        (32, 64, {"cg": 4, "co": 0.75}, (16, 4, 4), "window_groups"),
        (32, 64, {"cg": 4}, (16, 16, 16), "masked_dense"),
        (32, 64, {"cg": 2, "co": 0.33}, (16, 4, 4), "masked_dense"),  # many windows
        (32, 64, {"cg": 8, "co": 0.25}, (16, 4, 4), "masked_dense"),  # two filters a window
        (32, 66, {"cg": 2}, (16, 4, 4), "masked_dense"),  # filters that no whole number of cycles holds
    ],
)
def test_what_auto_chooses_and_computes(
    cin: int, cout: int, setting: dict[str, object], shape: tuple[int, int, int], expected: str
) -> None:
    layer = SlidingChannelConv2d(cin, cout, dtype=torch.float64, **setting)
    x = torch.randn(shape[0], cin, *shape[1:], dtype=torch.float64, requires_grad=True)
    assert choose(x, layer.windows) == expected
    assert choose(x.to("meta"), layer.windows) == "masked_dense"
    y, other = layer(x), dense(layer)(x)
    torch.testing.assert_close(y, other)
    torch.testing.assert_close(*(torch.autograd.grad(output.square().sum(), x)[0] for output in (y, other)))


@pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
def test_auto_chooses_native_where_the_kernels_can_run() -> None:
    layer = SlidingChannelConv2d(32, 64, co=0.33)
    x = torch.randn(2, 32, 5, 7, requires_grad=True)
    assert choose(x, layer.windows) == "native"
    for other in (x.double(), x.half(), x.to("meta")):
        assert choose(other, layer.windows) != "native"
    conv = dense(layer)
    y, expected = layer(x), conv(x)
    torch.testing.assert_close(y, expected)
    dy = torch.randn_like(y)
    dx, dweight, dbias = torch.autograd.grad(y, [x, layer.weight, layer.bias], dy)
    expected_dx, dense_dweight, expected_dbias = torch.autograd.grad(expected, [x, conv.weight, conv.bias], dy)
    torch.testing.assert_close(dx, expected_dx)
    channels = torch.from_numpy(layer.windows.channels)
    torch.testing.assert_close(dweight, dense_dweight[:, :, 0, 0].gather(1, channels))
    torch.testing.assert_close(dbias, expected_dbias)


def test_auto_chooses_a_supported_backend() -> None:
    for cout in (7, 32, 512):
        for cg, co in ((1, 0.5), (2, 0.5), (8, 0.25), (4, 0.33)):
            for shape in ((1, 64, 32, 32), (16, 64, 32, 32), (16, 64, 4, 4), (1, 64, 2, 2)):
                windows = Windows(64, cout, cg, overlap(co))
                assert BACKENDS[choose(torch.empty(shape), windows)].unsupported(windows) is None
