"""Every runtime computes what PyTorch does in float64, anew for each input."""

import io
from collections.abc import Callable

import pytest
import torch
from torch import nn

from impls.networks.block import DW_PW, STANDARD, dw_scc, grouped
from impls.networks.catalogue import create_network
from impls.networks.wide_resnet import wide_resnet
from impls.runtimes.catalogue import RUNTIMES, Runtime
from impls.runtimes.onnx_export import convert

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet8": lambda: create_network("resnet8", STANDARD, width_mult=0.5),
    "mobilenet_dw_pw": lambda: create_network("mobilenet", DW_PW, width_mult=0.25),
    "mobilenet_dw_scc": lambda: create_network("mobilenet", dw_scc(2, 0.5), width_mult=0.25),
    "wide_resnet_grouped": lambda: wide_resnet(10, 1, grouped(4)),
    "wide_resnet_depthwise": lambda: wide_resnet(10, 1, grouped("N")),
}
BATCHES = {"resnet8": 3, "mobilenet_dw_pw": 2}


def calibrated(network: str) -> nn.Module:
    """Return a network whose running statistics are those of some images."""
    torch.manual_seed(1)
    module = NETWORKS[network]().train()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        module(torch.randn(16, 3, 32, 32))
    return module.eval()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_computes_what_pytorch_does_in_float64(name: str, network: str) -> None:
    runtime = RUNTIMES[name]
    if reason := runtime.unavailable():
        pytest.skip(reason)
    module = calibrated(network)
    order = torch.channels_last if runtime.channels_last else torch.contiguous_format
    x = torch.randn(BATCHES.get(network, 1), 3, 32, 32).contiguous(memory_format=order)
    images = [x.clone(), torch.randn_like(x)]
    exact = calibrated(network).double()
    with torch.no_grad():
        expected = [exact(image.double()) for image in images]
    scale = max(float(logits.abs().max()) for logits in expected)
    assert float((expected[0] - expected[1]).abs().max()) > 0.01 * scale, "the logits hardly depend on the image"
    call = runtime.build(module, x, 1)
    for image, logits in zip(images, expected, strict=True):
        x.copy_(image)
        torch.testing.assert_close(torch.as_tensor(call()).double(), logits, rtol=0, atol=1e-4 * scale)


def test_a_model_that_was_converted_can_be_loaded_more_than_once() -> None:
    pytest.importorskip("onnxruntime")
    runtime, x = RUNTIMES["onnxruntime"], torch.randn(1, 3, 32, 32)
    model = runtime.convert(calibrated("resnet8"), x)
    first, second = (torch.as_tensor(runtime.load(model, x, 1)()) for _ in range(2))
    assert torch.equal(first, second)


def test_a_runtime_that_is_not_installed_says_how_to_install_it() -> None:
    assert Runtime("pytorch", requires=("torch", "no-such-runtime")).unavailable() == (
        "needs no-such-runtime: pip install no-such-runtime"
    )


def test_an_exported_network_has_folded_batch_norms_and_dense_convolutions() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(io.BytesIO(convert(calibrated("mobilenet_dw_scc"), torch.randn(2, 3, 32, 32))))
    onnx.checker.check_model(model)
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("Conv") == 27
    assert "BatchNormalization" not in operators
    assert [dimension.dim_value for dimension in model.graph.input[0].type.tensor_type.shape.dim] == [2, 3, 32, 32]


TORCHVISION = ("densenet121", "efficientnet_b0", "mobilenet_v3_small", "regnet_y_400mf", "shufflenet_v2_x0_5")
"""Networks with operators that the others lack."""


@pytest.mark.parametrize("name", TORCHVISION)
def test_tensorflow_lite_has_the_operators_of_torchvisions_networks(name: str) -> None:
    if reason := RUNTIMES["tflite"].unavailable():
        pytest.skip(reason)
    from impls.loaders import tflite
    from impls.models.torch_module import create_module
    from impls.runtimes import tflite_export

    torch.manual_seed(1)
    module = create_module(f"torchvision:{name}").eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.train().momentum = 1.0
    with torch.no_grad():
        module(torch.randn(8, 3, 64, 64))
        x = torch.randn(1, 3, 64, 64).contiguous(memory_format=torch.channels_last)
        expected = module.eval().double()(x.double())
    output = torch.as_tensor(tflite.load(tflite_export.convert(module.float(), x), x, 1)())
    torch.testing.assert_close(output.double(), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


class Reordered(nn.Module):
    """Changes the order and the shape of a tensor in ways that mix channels and pixels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        halves = torch.cat(x.chunk(2, dim=2), dim=1)
        shuffled = nn.functional.channel_shuffle(halves.transpose(2, 3).permute(0, 1, 3, 2), 2)
        gate = shuffled.mean((2, 3))[:, :, None, None]
        gated = torch.cat([(shuffled * gate)[:, 1:], shuffled[:, :1] * gate.squeeze(-1)[:, :1, :, None]], dim=1)
        return gated.reshape(2, 4, 6, 2).flatten(1) + shuffled.mean((1, 2, 3), keepdim=True).flatten(1)


def test_tensorflow_lite_reorders_as_pytorch_does() -> None:
    if reason := RUNTIMES["tflite"].unavailable():
        pytest.skip(reason)
    from impls.loaders import tflite
    from impls.runtimes import tflite_export

    x = torch.randn(2, 4, 4, 3).contiguous(memory_format=torch.channels_last)
    output = torch.as_tensor(tflite.load(tflite_export.convert(Reordered(), x), x, 1)())
    torch.testing.assert_close(output, Reordered()(x))


def test_an_operator_that_tensorflow_lite_lacks_is_named() -> None:
    if reason := RUNTIMES["tflite"].unavailable():
        pytest.skip(reason)
    from impls.runtimes import tflite_export

    with pytest.raises(NotImplementedError, match=r"^operator erf has no counterpart"):
        tflite_export.convert(Erf(), torch.randn(1, 3, 4, 4))


class Erf(nn.Module):
    """An operator that no network here has."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.erf(x)
