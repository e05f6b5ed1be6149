"""The layer that a user imports: right, with right gradients, and as handy as nn.Conv2d."""

import copy
import importlib.util
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from impls.native.library import unavailable
from impls.sliding_channel_conv2d import SlidingChannelConv2d
from impls.sliding_channel_conv2d.layer.backends import BACKENDS, choose
from impls.sliding_channel_conv2d.layer.windows import Windows, overlap

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
"""Of the inputs whose gradients are checked."""


def dense(layer: SlidingChannelConv2d) -> torch.nn.Conv2d:
    """The pointwise convolution that the layer is, with its weights."""
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


def missing(name: str) -> str | None:
    """What a backend lacks here, whatever the layer."""
    return None if name == "auto" else BACKENDS[name].unable(Windows(16, 32, 2, overlap(0.5)))


EACH_BACKEND = [
    pytest.param(name, marks=pytest.mark.skipif(missing(name) is not None, reason=str(missing(name))))
    for name in [*BACKENDS, "auto"]
]


def test_only_what_is_not_here_is_missing() -> None:
    built = importlib.util.find_spec("impls.native._kernels") is not None
    assert {name for name in BACKENDS if missing(name)} - {"cuda"} == (set() if built else {"native"})


def able(name: str, **settings: object) -> bool:
    windows = Windows(8, 16, settings["cg"], overlap(settings["co"]))  # type: ignore[arg-type]
    return BACKENDS[name].unable(windows) is None


@pytest.mark.parametrize("backend", EACH_BACKEND)
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_gradients_by_gradcheck(backend: str, setting: dict[str, object]) -> None:
    if backend != "auto" and not able(backend, **setting):
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


def test_gradients_are_checked_of_every_choice_of_auto() -> None:
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
    for layer.backend in ["auto", *(name for name in BACKENDS if BACKENDS[name].unable(layer.windows) is None)]:
        torch.testing.assert_close(layer(x), expected)


def test_manners_of_conv2d() -> None:
    layer = SlidingChannelConv2d(64, 128, cg=4, co=0.33, bias=False, backend="sliced_gemm")
    assert repr(layer) == "SlidingChannelConv2d(64, 128, cg=4, co=33/100, bias=False, backend='sliced_gemm')"
    assert list(layer.state_dict()) == ["weight", "_extra_state"]
    assert layer.weight.shape == (128, 16)
    assert float(layer.weight.detach().abs().max()) <= 1 / 4
    assert float(layer.weight.detach().abs().max()) > 1 / 5
    x = torch.randn(2, 64, 5, 5)
    torch.testing.assert_close(layer(x[0]), layer(x)[0])
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.testing.assert_close(twin(x), layer(x))
    other = SlidingChannelConv2d(64, 128, cg=4, co=0.33, bias=False)
    other.load_state_dict(layer.state_dict())
    torch.testing.assert_close(other(x), layer(x))


def test_device_and_dtype_arguments() -> None:
    assert SlidingChannelConv2d(8, 8, dtype=torch.float64).weight.dtype == torch.float64
    layer = SlidingChannelConv2d(8, 8, device="meta")
    assert {tensor.device.type for tensor in (*layer.parameters(), *layer.buffers())} == {"meta"}


@pytest.mark.parametrize("backend", EACH_BACKEND)
def test_made_on_the_meta_device_and_filled_later(backend: str) -> None:
    """As large models are loaded."""
    layer, x = SlidingChannelConv2d(16, 32, backend=backend), torch.randn(2, 16, 3, 3)
    with torch.device("meta"):
        assigned = SlidingChannelConv2d(16, 32, backend=backend)
        assert assigned(torch.empty(2, 16, 3, 3)).shape == (2, 32, 3, 3)
    emptied = copy.deepcopy(assigned).to_empty(device="cpu")
    assigned.load_state_dict(layer.state_dict(), assign=True)
    emptied.load_state_dict(layer.state_dict())
    torch.testing.assert_close(assigned(x), layer(x))
    torch.testing.assert_close(emptied(x), layer(x))


def test_a_pickle_holds_the_weights_and_little_else() -> None:
    layer = SlidingChannelConv2d(256, 256)
    layer(torch.randn(1, 256, 2, 2))
    assert len(pickle.dumps(layer)) < 4 * layer.weight.numel() + 10_000


@pytest.mark.parametrize("backend", EACH_BACKEND)
def test_function_transforms(backend: str) -> None:
    layer = SlidingChannelConv2d(64, 128, dtype=torch.float64, backend=backend)
    expected = dense(layer)
    x, change = torch.randn(2, 2, 64, 16, 16, dtype=torch.float64)
    _, along = torch.func.jvp(layer, (x,), (change,))
    torch.testing.assert_close(along, torch.func.jvp(expected, (x,), (change,))[1])

    def per_image(module: torch.nn.Module) -> torch.Tensor:
        def loss(image: torch.Tensor) -> torch.Tensor:
            return module(image[None]).square().sum()

        return torch.func.vmap(torch.func.grad(loss))(x)

    torch.testing.assert_close(per_image(layer), per_image(expected))


@pytest.mark.parametrize("backend", EACH_BACKEND)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(backend: str, dtype: torch.dtype) -> None:
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


@pytest.fixture
def fresh_compiler() -> None:
    """Else the tests before count against its limit of recompilations."""
    torch.compiler.reset()


@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.parametrize("backend", EACH_BACKEND)
def test_export_and_compile(backend: str) -> None:
    layer = SlidingChannelConv2d(16, 32, cg=4, backend=backend)
    x, other = torch.randn(2, 16, 4, 4), torch.randn(9, 16, 20, 3)
    sizes = {0: torch.export.Dim("batch", min=1), 2: torch.export.Dim("h", min=2), 3: torch.export.Dim("w", min=2)}
    exported = torch.export.export(layer, (x,), dynamic_shapes=(sizes,)).module()
    torch.testing.assert_close(exported(x), layer(x))
    torch.testing.assert_close(exported(other), layer(other))
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    y, expected = compiled(x), layer(x)
    torch.testing.assert_close(y, expected)
    (found,) = torch.autograd.grad(y.square().sum(), layer.weight)
    torch.testing.assert_close(found, torch.autograd.grad(expected.square().sum(), layer.weight)[0])


@pytest.mark.usefixtures("fresh_compiler")
def test_a_compiled_layer_is_dense_whatever_it_chooses_eagerly() -> None:
    layer, x = SlidingChannelConv2d(16, 32), torch.randn(1, 16, 2, 2)
    assert choose(x, layer.windows) != "masked_dense"
    called: list[str] = []

    def compiler(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> torch.fx.GraphModule:
        called.extend(str(node.target) for node in graph.graph.nodes)
        return graph

    torch.testing.assert_close(torch.compile(layer, fullgraph=True, backend=compiler)(x), layer(x))
    assert "scatter" in called
    assert "index_select" not in called


@pytest.mark.parametrize("backend", EACH_BACKEND)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64])
def test_mixed_dtypes_are_refused(backend: str, dtype: torch.dtype) -> None:
    layer, x = SlidingChannelConv2d(16, 32, backend=backend), torch.ones(1, 16, 2, 2, dtype=dtype)
    with pytest.raises(TypeError, match=rf"input is {dtype}, weight torch\.float32, bias torch\.float32"):
        layer(x)
    with pytest.raises(TypeError, match=rf"input is {dtype}, weight torch\.float32, bias None"):
        SlidingChannelConv2d(16, 32, bias=False, backend=backend)(x)
    assert layer.bias is not None
    layer.bias.data = layer.bias.data.double()
    with pytest.raises(TypeError, match=r"input is torch\.float32, weight torch\.float32, bias torch\.float64"):
        layer(x.float())


@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.parametrize("backend", EACH_BACKEND)
def test_mixed_dtypes_under_autocast(backend: str) -> None:
    """As between the layers of a network, where one hands its bfloat16 to the next."""
    layer, x = SlidingChannelConv2d(16, 32, backend=backend), torch.ones(1, 16, 2, 2, dtype=torch.bfloat16)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
        torch.testing.assert_close(compiled(x), layer(x))


def test_parametrized_weights_are_computed_once_a_call() -> None:
    """Some, as those of spectral_norm, change at each look."""

    class Counted(torch.nn.Module):
        looks = 0

        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            self.looks += 1
            return 2 * weight

    layer, counted, x = SlidingChannelConv2d(16, 32, bias=False), Counted(), torch.randn(1, 16, 2, 2)
    expected = 2 * layer(x)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", counted)
    for image in (x, x[0]):
        counted.looks = 0
        torch.testing.assert_close(layer(image), expected if image is x else expected[0])
        assert counted.looks == 1


class _Operators(TorchDispatchMode):
    """Names of the operators that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("wanted", [(True, False), (False, True), (True, True)], ids=["x", "weight", "both"])
def test_sliced_products_compute_only_the_gradients_that_are_wanted(wanted: tuple[bool, bool]) -> None:
    """A frozen layer needs none of its weight, a network's first layer none of its input."""
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
def test_what_auto_chooses_and_answers(
    cin: int, cout: int, setting: dict[str, object], shape: tuple[int, int, int], expected: str
) -> None:
    layer = SlidingChannelConv2d(cin, cout, dtype=torch.float64, **setting)
    x = torch.randn(shape[0], cin, *shape[1:], dtype=torch.float64, requires_grad=True)
    assert choose(x, layer.windows) == expected
    assert choose(x.to("meta"), layer.windows) == "masked_dense"
    y, other = layer(x), dense(layer)(x)
    torch.testing.assert_close(y, other)
    torch.testing.assert_close(*(torch.autograd.grad(answer.square().sum(), x)[0] for answer in (y, other)))


@pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
def test_auto_is_native_where_the_kernels_can_run() -> None:
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
    right_dx, of_dense, right_dbias = torch.autograd.grad(expected, [x, conv.weight, conv.bias], dy)
    torch.testing.assert_close(dx, right_dx)
    channels = torch.from_numpy(layer.windows.channels)
    torch.testing.assert_close(dweight, of_dense[:, :, 0, 0].gather(1, channels))
    torch.testing.assert_close(dbias, right_dbias)


def test_auto_is_a_backend_that_can() -> None:
    for cout in (7, 32, 512):
        for cg, co in ((1, 0.5), (2, 0.5), (8, 0.25), (4, 0.33)):
            for shape in ((1, 64, 32, 32), (16, 64, 32, 32), (16, 64, 4, 4), (1, 64, 2, 2)):
                windows = Windows(64, cout, cg, overlap(co))
                assert BACKENDS[choose(torch.empty(shape), windows)].unable(windows) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cg": 3}, "cg=3 must divide the 16 input channels"),
        ({"co": 1.0}, "below 1"),
        ({"co": "half"}, "no fraction"),
        ({"backend": "fast"}, "no backend 'fast'; choose from auto, masked_dense"),
        (
            {"co": "2/5", "backend": "window_groups"},
            "cannot compute this layer: the cycle of its windows does not divide",
        ),
    ],
)
def test_bad_settings_say_what_to_change(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SlidingChannelConv2d(16, 16, **arguments)  # type: ignore[arg-type]


def test_numbers_that_are_no_integers_are_refused() -> None:
    for arguments in ((16.0, 32), ("16", 32), (16, 32.0), (16, 32, 4.0)):
        with pytest.raises(TypeError, match="channels and cg must be integers, not "):
            SlidingChannelConv2d(*arguments)


def test_the_backend_is_checked_when_it_is_changed() -> None:
    layer = SlidingChannelConv2d(16, 16, co="2/5")
    for name, words in (("fast", "no backend 'fast'; choose from auto"), ("window_groups", "cannot compute this")):
        with pytest.raises(ValueError, match=words):
            layer.backend = name
    assert layer.backend == "auto"
    layer.backend = "sliced_gemm"
    assert "backend='sliced_gemm'" in repr(layer)


def test_bad_inputs_say_what_was_expected() -> None:
    layer = SlidingChannelConv2d(16, 16)
    with pytest.raises(TypeError, match=r"expected \(n, 16, h, w\) or \(channels, h, w\), not a ndarray"):
        layer(np.zeros((1, 16, 2, 2)))
    for x in (torch.zeros(1, 8, 2, 2), torch.zeros(16, 2)):
        with pytest.raises(ValueError, match=r"expected \(n, 16, h, w\)"):
            layer(x)


def test_the_harness_finds_it_without_importing_torch() -> None:
    code = "import sys; from bench.core import registry; registry.implementations(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
