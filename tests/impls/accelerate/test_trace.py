"""Networks that a careless trace would compute wrongly."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, gelu, linear
from torch.utils._pytree import tree_flatten

from impls.accelerate import accelerate
from impls.accelerate.trace import trace
from impls.native.library import unavailable

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

SHAPE = (8, 5, 6)
BATCHES = (2, 1, 3)


class Pair(NamedTuple):
    first: Tensor
    second: Tensor


class Network(nn.Module):
    """Calls a function of itself and its input."""

    def __init__(self, function: Callable[["Network", Tensor], object]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.function = function
        self.convolution = nn.Conv2d(8, 8, 3, padding=1)
        self.norm = nn.BatchNorm1d(8 * 5 * 6)
        self.register_buffer("weight", torch.randn(3, 8 * 5 * 6))
        self.register_buffer("calls", torch.zeros(1))
        self.eval()

    def forward(self, x: Tensor) -> object:
        return self.function(self, x)


def compare(network: nn.Module) -> list[str]:
    """Check two calls for each of several batches, and return the fallbacks."""
    accelerated = accelerate(network, torch.randn(1, *SHAPE), threads=1, tuned=False)
    for batch in (*BATCHES, *BATCHES):
        x = torch.randn(batch, *SHAPE)
        with torch.no_grad():
            expected, structure = tree_flatten(network(x.clone()))
        outputs, its_structure = tree_flatten(accelerated(x))
        assert its_structure == structure
        for output, value in zip(outputs, expected, strict=True):
            if isinstance(value, Tensor):
                torch.testing.assert_close(output, value, rtol=1e-4, atol=1e-5)
            else:
                assert output == value
    return accelerated.fallbacks


def change_a_part(network: Network, x: Tensor) -> Tensor:
    y = network.convolution(x)
    y.chunk(2, 1)[0].relu_()
    return y


def change_under_a_part(network: Network, x: Tensor) -> Tensor:
    y = network.convolution(x)
    first, second = y.chunk(2, 1)
    y.relu_()
    return torch.cat([second, first], 1)


def change_under_a_view(network: Network, x: Tensor) -> Tensor:
    y = network.convolution(x)
    flat = y.flatten(1)
    y.relu_()
    return flat


def change_what_stays_pytorch_s(network: Network, x: Tensor) -> tuple[Tensor, Tensor]:
    y = network.convolution(x)
    flat = y.flatten(1)
    y.mul_(2.5)
    return flat, y


def change_twice(network: Network, x: Tensor) -> Tensor:
    y = network.convolution(x)
    nn.functional.hardtanh_(y, -1, 0.5)
    y.relu_()
    return y + network.convolution(y)


def change_new_zeros(network: Network, x: Tensor) -> Tensor:
    zeros = torch.zeros(SHAPE)
    zeros.add_(x.sum(0))
    return network.convolution(x) + zeros


def assign_to_a_slice(network: Network, x: Tensor) -> Tensor:
    y = network.convolution(x)
    y[:, :4] = 0
    return network.convolution(y)


@pytest.mark.parametrize(
    "function",
    [
        change_a_part,
        change_under_a_part,
        change_under_a_view,
        change_what_stays_pytorch_s,
        change_twice,
        change_new_zeros,
        assign_to_a_slice,
    ],
)
def test_changes_in_place(function: Callable[[Network, Tensor], object]) -> None:
    compare(Network(function))


def test_the_input_is_not_changed() -> None:
    x = torch.randn(2, *SHAPE)
    before = x.clone()
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3)).eval()
    accelerated = accelerate(network, x, threads=1, tuned=False)
    accelerated(x)
    assert torch.equal(x, before)
    assert compare(network) == []


@pytest.mark.parametrize(
    "function",
    [
        lambda network, x: linear(network.convolution(x).flatten(1).relu(), network.weight),
        lambda network, x: linear(network.norm(network.convolution(x).flatten(1)), network.weight),
        lambda network, x: torch.cat([network.convolution(x).flatten(1), x.flatten(1)], 1),
        lambda network, x: network.convolution(x).flatten(1).chunk(2, 1),
        lambda network, x: network.convolution(x).flatten(1) + x.flatten(1),
    ],
    ids=["relu", "norm", "concatenation", "parts", "sum"],
)
def test_what_only_linear_layers_do_to_flattened_images(function: Callable[[Network, Tensor], object]) -> None:
    assert "only linear layers take images that are flattened" in " ".join(compare(Network(function)))


@pytest.mark.parametrize(
    "function",
    [
        lambda network, x: network.convolution(x) * x.mean(0, keepdim=True),
        lambda network, x: network.convolution(x[:1]) + network.convolution(x),
        lambda network, x: network.convolution(x).permute(1, 0, 2, 3).relu(),
        lambda network, x: x.mean((2, 3)) * x.mean((2, 3), keepdim=True),
        lambda network, x: x.mean((2, 3))[:1] + x.mean((2, 3), keepdim=True),
    ],
    ids=["mean image", "first image", "permuted", "vectors by images", "first vector"],
)
def test_values_whose_first_dimension_is_not_the_batch(function: Callable[[Network, Tensor], object]) -> None:
    assert "first dimension is not the batch" in " ".join(compare(Network(function)))


def test_means_in_another_dtype() -> None:
    fallbacks = compare(Network(lambda network, x: network.convolution(x).mean((2, 3), dtype=torch.float64)))
    assert len(fallbacks) == 1


@torch.library.custom_op("featherbench_tests::relu", mutates_args=())
def negative_relu(x: Tensor) -> Tensor:
    """An operator that has the name of another one."""
    return -x.relu()


@negative_relu.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


def test_an_operator_of_another_library_is_not_taken_for_one_of_the_same_name() -> None:
    (fallback,) = compare(Network(lambda network, x: negative_relu(network.convolution(x))))
    assert "no operator featherbench_tests::relu" in fallback


def test_parameters_are_kept_only_for_calls_of_pytorch() -> None:
    """The engine has copies of its own: a network would take twice its memory otherwise."""
    x = torch.randn(1, *SHAPE)
    assert trace(Network(lambda network, x: network.convolution(x)), x).constants == {}
    constants = trace(Network(lambda network, x: gelu(network.convolution(x)) * network.calls), x).constants
    assert [constant.shape for constant in constants.values()] == [(1,)]


@pytest.mark.parametrize(
    "function",
    [
        lambda network, x: {"a": [network.convolution(x), (x, None)], "b": x.shape[0], "c": "text"},
        lambda network, x: [network.convolution(x)],
        lambda network, x: (network.convolution(x),),
        lambda network, x: Pair(network.convolution(x), x),
    ],
    ids=["nested", "list", "tuple", "named"],
)
def test_outputs_keep_their_structure(function: Callable[[Network, Tensor], object]) -> None:
    compare(Network(function))


def test_random_numbers_are_drawn_in_each_call() -> None:
    x = torch.randn(1, *SHAPE)
    accelerated = accelerate(Network(lambda network, x: (network.convolution(x), torch.rand(4))), x, tuned=False)
    assert not torch.equal(accelerated(x)[1], accelerated(x)[1])


def change_a_slice(network: Network, x: Tensor) -> Tensor:
    y = network.convolution(x)
    y[:, 2:6].relu_()
    return y


@pytest.mark.parametrize(
    "function",
    [
        lambda network, x: x * network.convolution(x).mean((2, 3))[:, :, None, None],
        lambda network, x: network.convolution(x)[:, 2:7],
        lambda network, x: network.convolution(x)[:, -3:],
        lambda network, x: network.convolution(x)[:, ::3],
        lambda network, x: network.convolution(x)[:],
        lambda network, x: network.convolution(x).mean((2, 3))[:, 1:4],
    ],
    ids=["gate", "middle", "end", "steps", "whole", "vector"],
)
def test_slices_of_channels_and_vectors_as_images_are_computed(function: Callable[[Network, Tensor], object]) -> None:
    assert compare(Network(function)) == []


@pytest.mark.parametrize(
    "function",
    [
        lambda network, x: network.convolution(x)[:, :, 1:3],
        lambda network, x: network.convolution(x).mean((2, 3)).unsqueeze(1),
        lambda network, x: network.convolution(x).mean((2, 3)).unsqueeze(2),
        lambda network, x: network.convolution(x).mean((2, 3)).unsqueeze(2).relu(),
        lambda network, x: network.convolution(x).flatten(1)[:, 3:50],
        lambda network, x: network.convolution(x).flatten(1)[:, :, None, None],
        lambda network, x: network.convolution(x)[:1],
        lambda network, x: network.convolution(x)[:, 8:],
        change_a_slice,
    ],
    ids=["rows", "front", "back", "activation", "flat", "flat to image", "batch", "nothing", "changed"],
)
def test_other_slices_and_dimensions_fall_back_to_pytorch(function: Callable[[Network, Tensor], object]) -> None:
    assert compare(Network(function))


def test_dropout_in_training_mode_stays_pytorch_s() -> None:
    x = torch.ones(1, *SHAPE)
    accelerated = accelerate(Network(lambda network, x: dropout(x + x, 0.9, training=True)), x, tuned=False)
    assert "dropout in training mode" in " ".join(accelerated.fallbacks)
    assert (accelerated(x) == 0).any()


def count_calls(network: Network, x: Tensor) -> Tensor:
    network.calls.add_(1)
    return network.convolution(x) * network.calls


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (count_calls, "changes its buffer calls"),
        (lambda network, x: network.convolution(x) if len(x) == 1 else x, "a batch of one in another way"),
        (lambda network, x: network.convolution(x) if len(x) > 1 else x, "a batch of one in another way"),
        (lambda network, x: x.mean((2, 3), keepdim=True).squeeze(), "a batch of one in another way"),
        (lambda network, x: network.convolution(x) if x.sum() > 0 else x * 2, "cannot trace the network"),
    ],
    ids=["counter", "one", "several", "squeeze", "branch"],
)
def test_networks_that_are_refused(function: Callable[[Network, Tensor], object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        accelerate(Network(function), torch.ones(1, *SHAPE), tuned=False)
