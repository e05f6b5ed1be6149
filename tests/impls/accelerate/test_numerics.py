"""The engine's outputs are those of PyTorch in float64, up to rounding."""

import copy

import pytest
import torch
from torch import Tensor, nn

from impls.accelerate import accelerate
from impls.native.library import kernels, unavailable
from impls.networks.block import parse_block
from impls.networks.catalogue import create_network
from tests.impls.accelerate.random_network import RandomNetwork

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

SEEDS_OF_EACH = 30


def assert_close(output: Tensor, network: nn.Module, x: Tensor, tolerance: float = 1e-5) -> None:
    with torch.no_grad():
        expected = copy.deepcopy(network).double()(x.double())
    assert output.shape == expected.shape
    error = (output - expected).abs().max() / expected.abs().max().clamp(min=1e-3)
    assert error < tolerance


@pytest.mark.parametrize("isa", [] if unavailable() else kernels().isas())
def test_random_networks_are_computed_as_in_float64(isa: str) -> None:
    first = kernels().isas().index(isa) * SEEDS_OF_EACH
    for seed in range(first, first + SEEDS_OF_EACH):
        network = RandomNetwork(seed)
        x = torch.randn(seed % 3 + 1, *network.shape)
        accelerated = accelerate(network, x, threads=seed % 3 + 1, isa=isa, tuned=seed % 2 == 0)
        assert accelerated.fallbacks == [], seed
        assert_close(accelerated(x), network, x)


@pytest.mark.parametrize(
    "block", ["standard", "dw_pw", "dw_scc(cg=4,co=0.33)", "grouped(groups=2)", "grouped(groups=N)"]
)
@pytest.mark.parametrize("name", ["resnet20", "mobilenet", "wrn_40_2"])
def test_networks_of_the_catalogue(name: str, block: str) -> None:
    torch.manual_seed(0)
    network = create_network(name, parse_block(block), width_mult=0.5).eval()
    x = torch.randn(1, 3, 16, 16)
    accelerated = accelerate(network, x, threads=1, tuned=False)
    assert accelerated.fallbacks == []
    assert_close(accelerated(x), network, x)


def test_another_batch_and_other_memory_layouts() -> None:
    network = RandomNetwork(1)
    accelerated = accelerate(network, torch.zeros(1, *network.shape), threads=1)
    for batch in (1, 2, 5):
        x = torch.randn(batch, *network.shape)
        assert_close(accelerated(x), network, x)
        assert_close(accelerated(x.to(memory_format=torch.channels_last)), network, x)
        wide = torch.randn(batch, *network.shape[:-1], 2 * network.shape[-1])[..., ::2]
        assert_close(accelerated(wide), network, wide)


def test_filters_that_read_the_same_channels_are_computed_together() -> None:
    """A sliding-channel convolution multiplies only the channels of its windows."""
    torch.manual_seed(0)
    network = create_network("mobilenet", parse_block("dw_scc(cg=4,co=0.5)"), width_mult=0.5).eval()
    steps = "\n".join(accelerate(network, torch.zeros(1, 3, 32, 32), threads=1, tuned=False).steps)
    assert "128 channels for each filter" in steps  # a quarter of 512
    assert "512 channels for each filter" in steps  # only the linear layer's


def test_nan_and_infinity_are_not_lost() -> None:
    network = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 16, 1)).eval()
    x = torch.zeros(1, 3, 8, 8)
    accelerated = accelerate(network, x, threads=1)
    x[0, 1, 2, 3] = torch.nan
    with torch.no_grad():
        assert torch.equal(accelerated(x).isnan(), network(x).isnan())


def test_a_constant_input_leaves_nothing_behind_for_the_next_call() -> None:
    network = RandomNetwork(7)
    x, other = torch.randn(2, 1, *network.shape)
    accelerated = accelerate(network, x, threads=2)
    first = accelerated(x).clone()
    accelerated(1e6 * other)
    assert torch.equal(accelerated(x), first)


@pytest.mark.parametrize("isa", [] if unavailable() else kernels().isas())
def test_silu_of_huge_negative_numbers_is_zero(isa: str) -> None:
    x = torch.full((1, 16, 2, 2), -1e38)
    assert accelerate(nn.SiLU().eval(), x, threads=1, isa=isa)(x).abs().max() < 1e-30
