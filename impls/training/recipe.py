"""Recipes: the settings of a training."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Recipe:
    """Settings of a training with stochastic gradient descent and momentum."""

    epochs: int
    """Epochs unless another number is asked for."""
    learning_rate: float
    """The highest one of the schedule."""
    schedule: Literal["steps", "one_cycle"]
    """``steps``: a tenth after 3/7 of the epochs, and again after 5/7. ``one_cycle``: linear from near zero up to the
    highest in the first 30 % of the steps, then linear down to zero."""
    batch: int = 128
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 5e-4
    decays_all: bool = True
    """Whether biases and batch norms decay too, not only the weights of layers."""
    label_smoothing: float = 0.0
    pad: int = 4
    """Pixels by which an image is padded, so that a random crop of its own size moves it."""
    reflects: bool = False
    """Whether images are padded by reflection, not by zeros."""
    flip: Literal["none", "random", "alternating"] = "random"
    """``alternating``: the half of the images that is mirrored changes each epoch, so that two epochs show each image
    both ways."""
    whitens: bool = False
    """Whether the filters of the first convolution begin as whitening filters of the training images."""
    channels_last: bool = False
    """Whether tensors are stored channels last, which is faster on most CPUs and rounds otherwise."""


RECIPES = {
    "paper": Recipe(epochs=350, learning_rate=0.03, schedule="steps"),
    "fast": Recipe(
        epochs=12,
        learning_rate=0.2,
        schedule="one_cycle",
        nesterov=True,
        decays_all=False,
        label_smoothing=0.1,
        pad=2,
        reflects=True,
        flip="alternating",
        whitens=True,
        channels_last=True,
    ),
    "smoke": Recipe(
        epochs=6,
        learning_rate=0.1,
        schedule="one_cycle",
        batch=64,
        nesterov=True,
        pad=1,
        flip="none",
        channels_last=True,
    ),
}
"""``paper``: as DSXplore's authors train (arXiv 2101.00745). ``fast``: a good accuracy in a few epochs, by what
cifar10-fast, hlb-CIFAR10 and airbench have shown to shorten training. ``smoke``: digits in seconds, for tests."""


def learning_rate(recipe: Recipe, progress: float, epochs: int) -> float:
    """Return the learning rate when ``progress`` epochs of ``epochs`` are done; ``progress`` may have a fraction."""
    share = progress / epochs
    if recipe.schedule == "steps":
        passed = sum(share >= boundary for boundary in (3 / 7, 5 / 7))
        return recipe.learning_rate / 10**passed
    rise = 0.3
    return recipe.learning_rate * min(share / rise, (1 - share) / (1 - rise))
