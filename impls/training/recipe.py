"""Recipes: the settings of a training."""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Recipe:
    """Settings of a training with stochastic gradient descent and momentum."""

    learning_rate: float
    """The highest one of the schedule."""
    schedule: Literal["constant", "steps", "one_cycle"]
    """``steps``: a tenth after 3/7 of the epochs, and again after 5/7. ``one_cycle``: linear from near zero up to the
    highest in the first 30 % of the steps, then linear down to zero."""
    batch_size: int = 128
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 5e-4
    decay_all_parameters: bool = True
    """Whether biases and batch norms decay too, not only the weights of layers."""
    crop_padding: int = 4
    """Pixels by which an image is padded on each side, before a random crop of its own size."""
    padding_mode: Literal["constant", "reflect"] = "constant"
    """``constant``: with zeros; ``reflect``: with the image mirrored at its edges."""
    horizontal_flip: bool = True
    """Whether half of the images, at random, are mirrored."""
    channels_last: bool = False
    """Whether tensors are stored channels last, which is faster on most CPUs and rounds differently."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """``bfloat16``: mixed precision by ``torch.autocast``; weights stay float32."""


_FAST = Recipe(
    learning_rate=0.4,
    schedule="one_cycle",
    nesterov=True,
    decay_all_parameters=False,
    crop_padding=2,
    padding_mode="reflect",
    channels_last=True,
)
RECIPES = {
    "paper": Recipe(learning_rate=0.03, schedule="steps"),
    "fast": _FAST,
    "fast_bfloat16": replace(_FAST, precision="bfloat16"),
    "smoke": Recipe(
        learning_rate=0.1,
        schedule="one_cycle",
        batch_size=64,
        nesterov=True,
        crop_padding=1,
        horizontal_flip=False,
        channels_last=True,
    ),
}
"""``paper``: as DSXplore's authors train (arXiv 2101.00745).

``fast``: a good accuracy in a few epochs, by a high learning rate that rises and falls once, and small shifts, as in
cifar10-fast. ``fast_bfloat16``: the same in mixed precision, for processors that multiply bfloat16.
``smoke``: digits in seconds, for tests.
"""


def learning_rate(recipe: Recipe, progress: float, epochs: int) -> float:
    """Return the learning rate when ``progress`` epochs of ``epochs`` are done; ``progress`` may have a fraction."""
    share = progress / epochs
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule == "steps":
        passed = sum(share >= boundary for boundary in (3 / 7, 5 / 7))
        return recipe.learning_rate * 0.1**passed
    rise = 0.3
    return recipe.learning_rate * min(share / rise, (1 - share) / (1 - rise))
