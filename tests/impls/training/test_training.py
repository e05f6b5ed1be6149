"""A training learns, can be continued to the very same weights, and follows PyTorch's optimiser."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from impls.networks.block import DW_PW
from impls.networks.resnet8 import resnet8
from impls.training.recipe import RECIPES, Recipe
from impls.training.training import Images, ParameterGroups, Training, predict

Optimiser = Callable[[ParameterGroups], torch.optim.Optimizer]
SMALL = replace(RECIPES["fast"], batch_size=32, learning_rate=0.05)


def patterns(count: int, seed: int) -> Images:
    """Return images of one of three patterns with noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (count,), generator=generator)
    prototypes = torch.randint(256, (3, 1, 8, 8), generator=torch.Generator().manual_seed(99))
    noise = torch.randint(-40, 40, (count, 1, 8, 8), generator=generator)
    return Images((prototypes[labels] + noise).clamp(0, 255).to(torch.uint8), labels, (0.5,), (0.25,))


def training(recipe: Recipe = SMALL, epochs: int = 4, seed: int = 5, optimiser: Optimiser | None = None) -> Training:
    torch.manual_seed(seed)
    network = resnet8(DW_PW, num_classes=3, in_channels=1)
    return Training(network, recipe, epochs, patterns(200, 1), patterns(60, 2), seed, optimiser)


def weights(trained: Training) -> Mapping[str, Tensor]:
    return {name: tensor.clone() for name, tensor in trained.network.state_dict().items()}


def assert_equal_weights(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_it_learns_and_keeps_its_history() -> None:
    trained = training(epochs=10)
    for _ in range(10):
        trained.train_epoch()
    assert len(trained.history) == 10
    assert trained.history[-1].held_out_accuracy > 0.9
    assert trained.history[-1].train_loss < trained.history[0].train_loss
    logits = predict(trained.network, patterns(60, 2), SMALL.channels_last)
    right = (logits.argmax(dim=1) == patterns(60, 2).labels).double().mean().item()
    assert right == trained.history[-1].held_out_accuracy


@pytest.mark.parametrize("name", ["fast", "fast_bfloat16", "paper", "smoke"])
@pytest.mark.parametrize("interrupted_after", [0, 1, 3])
def test_a_training_continued_elsewhere_ends_in_the_same_weights(name: str, interrupted_after: int) -> None:
    assert_continues(replace(RECIPES[name], batch_size=32), interrupted_after)


@pytest.mark.parametrize("interrupted_after", [0, 1, 3])
def test_a_training_with_adam_continued_elsewhere_ends_in_the_same_weights(interrupted_after: int) -> None:
    assert_continues(replace(SMALL, learning_rate=0.003), interrupted_after, torch.optim.Adam)


def assert_continues(recipe: Recipe, interrupted_after: int, optimiser: Optimiser | None = None) -> None:
    """Compare a training that another continues with an undisturbed one."""
    undisturbed = training(recipe, optimiser=optimiser)
    for _ in range(4):
        undisturbed.train_epoch()
    first = training(recipe, optimiser=optimiser)
    for _ in range(interrupted_after):
        first.train_epoch()
    state = {name: tensor.clone() for name, tensor in first.state().items()}
    torch.manual_seed(12345)  # what else the process does with PyTorch's random numbers must not matter
    second = training(recipe, optimiser=optimiser)
    second.restore(state)
    torch.rand(3)
    for _ in range(4 - interrupted_after):
        second.train_epoch()
    assert_equal_weights(weights(second), weights(undisturbed))
    losses = [[epoch.train_loss for epoch in each.history] for each in (second, undisturbed)]
    assert losses[0] == losses[1]


def test_other_seeds_train_other_weights() -> None:
    networks = [training(seed=seed) for seed in (1, 2)]
    for trained in networks:
        trained.train_epoch()
    first, second = (weights(trained)["0.weight"] for trained in networks)
    assert not torch.equal(first, second)


def test_a_step_is_that_of_pytorchs_optimiser() -> None:
    recipe = Recipe(learning_rate=0.03, schedule="steps", batch_size=200, crop_padding=0, horizontal_flip=False)
    trained = training(recipe)
    expected = training(recipe).network
    optimiser = torch.optim.SGD(expected.parameters(), lr=0.03, momentum=0.9, weight_decay=5e-4)
    trained.train_epoch()
    data = patterns(200, 1)
    expected.train()
    order = torch.randperm(200, generator=torch.Generator().manual_seed(5 << 20))
    x = data.normalised(data.images[order])
    nn.functional.cross_entropy(expected(x), data.labels[order]).backward()
    optimiser.step()
    for name, tensor in expected.named_parameters():
        assert torch.allclose(dict(trained.network.named_parameters())[name], tensor, atol=1e-6), name


def test_a_penalty_changes_the_gradients_and_not_the_reported_loss() -> None:
    recipe = Recipe(learning_rate=0.03, schedule="steps", batch_size=200)
    plain, network = training(recipe), training(recipe).network
    scales = [layer.weight for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]

    def penalty() -> Tensor:
        return 2 * torch.stack([scale.abs().sum() for scale in scales]).sum()

    penalised = Training(network, recipe, 4, patterns(200, 1), patterns(60, 2), 5, penalty=penalty)
    assert plain.train_epoch().train_loss == penalised.train_epoch().train_loss
    parameters = zip(plain.network.parameters(), penalised.network.parameters(), strict=True)
    scale_ids = {id(scale) for scale in scales}
    for without, with_penalty in parameters:
        assert without.grad is not None
        assert with_penalty.grad is not None
        added = 2 * torch.ones_like(without) if id(with_penalty) in scale_ids else torch.zeros_like(without)
        assert torch.allclose(with_penalty.grad - without.grad, added, atol=1e-5)


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_products_have_the_precision_of_the_recipe_and_weights_stay_float32(
    precision: Literal["float32", "bfloat16"], dtype: torch.dtype
) -> None:
    trained = training(replace(SMALL, precision=precision))
    dtypes = set()
    convolution = next(layer for layer in trained.network.modules() if isinstance(layer, torch.nn.Conv2d))
    convolution.register_forward_hook(
        lambda layer, inputs, output: dtypes.add(output.dtype) if layer.training else None
    )
    trained.train_epoch()
    assert dtypes == {dtype}
    assert {parameter.dtype for parameter in trained.network.parameters()} == {torch.float32}
    assert torch.isfinite(torch.tensor(trained.history[-1].train_loss))


def test_batch_norms_and_biases_do_not_decay_where_the_recipe_says_so() -> None:
    groups = training(SMALL)._optimiser.param_groups
    decays = {parameter.ndim > 1: group["weight_decay"] for group in groups for parameter in group["params"]}
    assert decays == {True: 5e-4, False: 0.0}
    (group,) = training(replace(SMALL, decay_all_parameters=True))._optimiser.param_groups
    assert group["weight_decay"] == 5e-4


def test_normalised_images_have_the_stated_mean_and_deviation() -> None:
    data = patterns(200, 1)
    mean, std = data.images.float().mean() / 255, data.images.float().std() / 255
    normalised = data._replace(mean=(mean.item(),), std=(std.item(),)).normalised(data.images, channels_last=True)
    assert normalised.mean().abs() < 1e-5
    assert normalised.std().item() == pytest.approx(1, abs=1e-5)
    assert normalised.is_contiguous(memory_format=torch.channels_last)
