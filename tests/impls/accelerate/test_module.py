"""What the engine computes, refuses and leaves to PyTorch."""

import copy
import pickle
import re

import pytest
import torch
from torch import Tensor, nn

from bench.measure.memory import private_bytes, release_memory
from impls.accelerate import accelerate
from impls.native.library import unavailable

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

X = torch.randn(2, 8, 9, 9, generator=torch.Generator().manual_seed(0))


def convolution() -> nn.Conv2d:
    return nn.Conv2d(8, 8, 3, padding=1)


class WithFallbacks(nn.Module):
    """Uses an image before and after operators that the engine lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = convolution(), convolution(), convolution()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a = self.first(x)
        b = torch.softmax(self.second(a), dim=1)
        first, second = a.chunk(2, 1)
        c = torch.nn.functional.gelu(torch.cat([second, first], 1)) + a
        return self.third(b + c), a.flatten(1)


class ShuffleThatDoesNotEnd(nn.Module):
    """Reshapes and transposes channels as a shuffle does, but does not flatten them again."""

    def forward(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], 2, 4, 9, 9).transpose(1, 2).sum(1)


class InPlace(nn.Module):
    """Changes an image in place after another name was given to it."""

    def forward(self, x: Tensor) -> Tensor:
        y = x + x
        z = y
        y.relu_()
        return z * y


def compare(network: nn.Module, x: Tensor = X) -> list[str]:
    network.eval()
    accelerated = accelerate(network, x[:1], threads=1)
    with torch.no_grad():
        expected, output = network(x), accelerated(x)
    if isinstance(expected, Tensor):
        expected, output = (expected,), (output,)
    assert isinstance(output, tuple)
    for one_output, one_expected in zip(output, expected, strict=True):
        torch.testing.assert_close(one_output, one_expected, rtol=1e-4, atol=1e-5)
    return accelerated.fallbacks


def test_operators_that_the_engine_lacks_stay_pytorch_s_with_a_reason() -> None:
    fallbacks = compare(WithFallbacks())
    assert [reason.split(": ")[1] for reason in fallbacks] == [
        "the engine has no operator softmax",
        "the engine has no operator gelu",
    ]


def test_a_shuffle_that_does_not_end_stays_pytorch_s() -> None:
    fallbacks = " ".join(compare(ShuffleThatDoesNotEnd()))
    assert "reshapes channels only to shuffle them" in fallbacks
    assert "no operator sum" in fallbacks


def test_changes_in_place_are_seen_by_later_calls() -> None:
    assert compare(InPlace()) == []


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Flatten(), nn.Linear(8 * 9 * 9, 5)),
        nn.Sequential(convolution(), nn.Dropout(), nn.Identity(), nn.Flatten(), nn.Linear(8 * 9 * 9, 5), nn.ReLU()),
        nn.Sequential(nn.Flatten(), nn.Dropout(inplace=True), nn.Linear(8 * 9 * 9, 5), nn.Dropout(inplace=True)),
        nn.Conv2d(8, 8, 3, stride=2, padding=(0, 2)),
        nn.Conv2d(8, 16, (1, 3), padding="same"),
        nn.Sequential(nn.AdaptiveAvgPool2d(3), convolution()),
        nn.Sequential(nn.BatchNorm2d(8, affine=False), nn.Hardtanh(-1, 2)),
        nn.Identity(),
    ],
    ids=str,
)
def test_networks_that_are_computed_whole(network: nn.Module) -> None:
    assert compare(network) == []


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (nn.Conv2d(8, 8, 3, stride=3), "strides of 1 and 2, not 3"),
        (nn.AdaptiveAvgPool2d(4), "does not pool 9 x 9 to 4 x 4"),
        (nn.ConvTranspose2d(8, 8, 3), "no operator conv_transpose2d"),
        (nn.Hardtanh(1, 2), "only bounds with zero between them"),
        (nn.AvgPool2d(2, ceil_mode=True), "ceil_mode"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_calls_that_stay_pytorch_s(network: nn.Module, reason: str) -> None:
    assert reason in " ".join(compare(network))


def test_training_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="the network is in training mode"):
        accelerate(convolution().train(), X)
    network = nn.Sequential(convolution(), nn.BatchNorm2d(8)).eval()
    network[1].train()
    with pytest.raises(ValueError, match="layer 1 of the network is in training mode"):
        accelerate(network, X)
    accelerated = accelerate(convolution().eval(), X)
    with pytest.raises(ValueError, match="inference only"):
        accelerated.train()
    accelerated.eval()


@pytest.mark.parametrize(
    "x",
    [X.double(), X[0], X[:, :4], X.to("meta"), X.to_sparse()],
    ids=["float64", "three dimensions", "fewer channels", "other device", "sparse"],
)
def test_other_inputs_are_refused(x: Tensor) -> None:
    accelerated = accelerate(convolution().eval(), X)
    with pytest.raises(ValueError, match=r"the input must be \(batch, 8, 9, 9\), float32"):
        accelerated(x)


@pytest.mark.parametrize("example", [X.double(), X[0], X[:0]], ids=["float64", "three dimensions", "no image"])
def test_other_examples_are_refused(example: Tensor) -> None:
    with pytest.raises(ValueError, match=f"the example must be .*, not {re.escape(str(tuple(example.shape)))}, float"):
        accelerate(convolution().eval(), example)


def test_an_example_is_a_tensor() -> None:
    with pytest.raises(ValueError, match=r"the example must be .*, not ndarray"):
        accelerate(convolution().eval(), X.numpy())  # type: ignore[arg-type]


def test_there_is_at_least_one_thread() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        accelerate(convolution().eval(), X, threads=0)


def test_unknown_instruction_sets_are_refused() -> None:
    with pytest.raises(RuntimeError, match="no native kernels for sse9"):
        accelerate(convolution().eval(), X, isa="sse9")


def test_the_network_itself_is_not_changed() -> None:
    network = nn.Sequential(convolution(), nn.BatchNorm2d(8)).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    accelerated = accelerate(network, X)
    for value in network.state_dict().values():
        value.fill_(0)
    with torch.no_grad():
        other = nn.Sequential(convolution(), nn.BatchNorm2d(8)).eval()
        other.load_state_dict(before)
        torch.testing.assert_close(accelerated(X), other(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", [nn.Conv2d(2048, 2048, 1), nn.Conv2d(512, 1024, 3, stride=2)], ids=str)
def test_weights_are_held_once(network: nn.Conv2d) -> None:
    x = torch.randn(1, network.in_channels, 4, 4)
    accelerate(convolution().eval(), X, tuned=False)  # what is set up once does not count
    release_memory()
    before = private_bytes()
    accelerated = accelerate(network.eval(), x, threads=1, tuned=False)
    release_memory()
    assert private_bytes() - before < 1.5 * network.weight.nbytes
    assert accelerated(x).isfinite().all()


def test_copies_are_refused() -> None:
    accelerated = accelerate(convolution().eval(), X, tuned=False)
    with pytest.raises(TypeError, match="accelerate the network again"):
        copy.deepcopy(accelerated)
    with pytest.raises(TypeError, match="accelerate the network again"):
        pickle.dumps(accelerated)


def test_outputs_have_no_gradients() -> None:
    accelerated = accelerate(nn.Conv2d(8, 8, 3, stride=3).eval(), X, tuned=False)
    assert len(accelerated.fallbacks) == 1
    assert not accelerated(X).requires_grad


def test_negated_views_are_read_as_they_are() -> None:
    network = convolution().eval()
    with torch.no_grad():
        torch.testing.assert_close(accelerate(network, X, tuned=False)(torch._neg_view(X)), network(-X))


def test_a_batch_may_be_empty() -> None:
    assert accelerate(convolution().eval(), X, tuned=False)(X[:0]).shape == (0, 8, 9, 9)


def test_a_profile_has_a_time_for_each_chain_of_steps() -> None:
    network = nn.Sequential(convolution(), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 4 * 4, 5)).eval()
    profile = accelerate(network, X, threads=1, tuned=False).profile(calls=2)
    assert [text.partition(",")[0] for text, _ in profile] == ["3 x 3", "max pooling 2 x 2", "4 x 4"]
    assert all(0 < seconds < 10 for _, seconds in profile)
