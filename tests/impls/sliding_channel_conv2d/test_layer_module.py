"""The layer as an nn.Module: copies, pickles, devices, compilers, and the errors for wrong settings and inputs."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from impls.sliding_channel_conv2d import SlidingChannelConv2d
from impls.sliding_channel_conv2d.layer.backends import choose


def test_repr_state_unbatched_inputs_and_copies_are_as_of_conv2d() -> None:
    layer = SlidingChannelConv2d(64, 128, cg=4, co=0.33, bias=False, backend="sliced_gemm")
    assert repr(layer) == "SlidingChannelConv2d(64, 128, cg=4, co=33/100, bias=False, backend='sliced_gemm')"
    assert list(layer.state_dict()) == ["weight", "_extra_state"]
    assert layer.weight.shape == (128, 16)
    assert float(layer.weight.detach().abs().max()) <= 1 / 4
    assert float(layer.weight.detach().abs().max()) > 1 / 5
    x = torch.randn(2, 64, 5, 5)
    torch.testing.assert_close(layer(x[0]), layer(x)[0])
    for duplicate in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.testing.assert_close(duplicate(x), layer(x))
    other = SlidingChannelConv2d(64, 128, cg=4, co=0.33, bias=False)
    other.load_state_dict(layer.state_dict())
    torch.testing.assert_close(other(x), layer(x))


def test_device_and_dtype_are_arguments() -> None:
    assert SlidingChannelConv2d(8, 8, dtype=torch.float64).weight.dtype == torch.float64
    layer = SlidingChannelConv2d(8, 8, device="meta")
    assert {tensor.device.type for tensor in (*layer.parameters(), *layer.buffers())} == {"meta"}


def test_a_layer_can_be_made_on_the_meta_device_and_filled_later(backend: str) -> None:
    """Large models are loaded in this way."""
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


def test_parametrized_weights_are_computed_once_per_call() -> None:
    """Some parametrizations, such as spectral_norm, change the weight whenever it is read."""

    class Counted(torch.nn.Module):
        calls = 0

        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return 2 * weight

    layer, counted, x = SlidingChannelConv2d(16, 32, bias=False), Counted(), torch.randn(1, 16, 2, 2)
    expected = 2 * layer(x)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", counted)
    for image in (x, x[0]):
        counted.calls = 0
        torch.testing.assert_close(layer(image), expected if image is x else expected[0])
        assert counted.calls == 1


@pytest.mark.usefixtures("fresh_compiler")
def test_exported_and_compiled_layers_give_the_same_outputs(backend: str) -> None:
    layer = SlidingChannelConv2d(16, 32, cg=4, backend=backend)
    x, other = torch.randn(2, 16, 4, 4), torch.randn(9, 16, 20, 3)
    sizes = {0: torch.export.Dim("batch", min=1), 2: torch.export.Dim("h", min=2), 3: torch.export.Dim("w", min=2)}
    exported = torch.export.export(layer, (x,), dynamic_shapes=(sizes,)).module()
    torch.testing.assert_close(exported(x), layer(x))
    torch.testing.assert_close(exported(other), layer(other))
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    y, expected = compiled(x), layer(x)
    torch.testing.assert_close(y, expected)
    (gradient,) = torch.autograd.grad(y.square().sum(), layer.weight)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected.square().sum(), layer.weight)[0])


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


def test_channels_and_cg_must_be_integers() -> None:
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


def test_listing_implementations_does_not_import_torch() -> None:
    code = "import sys; from bench.core import registry; registry.implementations(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(torch.version.cuda is not None, reason="for a GPU the compiler must be told something")
def test_importing_the_layer_does_not_import_pytorchs_compiler() -> None:
    """Importing the compiler takes seconds."""
    code = (
        "import sys; from impls.sliding_channel_conv2d import SlidingChannelConv2d; "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_program_that_uses_the_native_layer_ends_without_a_message() -> None:
    code = (
        "import torch; from impls.sliding_channel_conv2d import SlidingChannelConv2d; "
        "SlidingChannelConv2d(8, 8, backend='native')(torch.zeros(1, 8, 3, 3)).sum().backward()"
    )
    completed = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
    assert completed.stderr == ""
