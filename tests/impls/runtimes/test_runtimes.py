"""Every runtime computes what PyTorch does, anew for each input."""

import io

import pytest
import torch

from impls.networks.block import DW_PW, STANDARD, Block, dw_scc
from impls.networks.catalogue import create_network
from impls.runtimes.catalogue import RUNTIMES, Runtime
from impls.runtimes.onnx_export import to_onnx

BLOCKS = {"standard": STANDARD, "dw_pw": DW_PW, "dw_scc": dw_scc(2, 0.5)}


def trained(network: str, block: Block) -> torch.nn.Module:
    """Return a network whose running statistics are those of some images."""
    torch.manual_seed(1)
    module = create_network(network, block, num_classes=10, in_channels=3, width_mult=0.5)
    with torch.no_grad():
        for _ in range(5):
            module.train()(torch.randn(16, 3, 32, 32))
    return module.eval()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("network", ["resnet8", "mobilenet"])
@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_computes_what_pytorch_does(name: str, network: str, block: str, batch: int) -> None:
    runtime = RUNTIMES[name]
    if reason := runtime.unavailable():
        pytest.skip(reason)
    module = trained(network, BLOCKS[block])
    order = torch.channels_last if runtime.channels_last else torch.contiguous_format
    x = torch.randn(batch, 3, 32, 32).contiguous(memory_format=order)
    images = [x.clone(), torch.randn_like(x)]
    with torch.no_grad():
        expected = [module(image) for image in images]
    call = runtime.build(module, x, 1)
    for image, logits in zip(images, expected, strict=True):
        x.copy_(image)
        torch.testing.assert_close(torch.as_tensor(call()), logits, rtol=1e-4, atol=1e-4)


def test_a_runtime_that_is_not_installed_says_how_to_install_it() -> None:
    assert Runtime("pytorch", requires=("torch", "no_such_runtime")).unavailable() == (
        "needs no_such_runtime: pip install no_such_runtime"
    )


def test_an_exported_network_has_folded_batch_norms_and_dense_convolutions() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(io.BytesIO(to_onnx(trained("mobilenet", dw_scc(2, 0.5)), torch.randn(2, 3, 32, 32))))
    onnx.checker.check_model(model)
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("Conv") == 27
    assert "BatchNormalization" not in operators
    assert [dimension.dim_value for dimension in model.graph.input[0].type.tensor_type.shape.dim] == [2, 3, 32, 32]
