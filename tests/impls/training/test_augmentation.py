"""Augmented images are crops and mirror images of the padded originals, as torchvision makes them."""

from dataclasses import replace
from typing import Literal

import pytest
import torch

from impls.models.torchvision_models import import_torchvision
from impls.training.augmentation import AugmentedImages
from impls.training.recipe import RECIPES, Recipe

transforms = import_torchvision("transforms.v2.functional")
RANDOM = Recipe(learning_rate=0.1, schedule="steps", crop_padding=2)


def images(count: int = 6, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(256, (count, channels, 7, 9), generator=generator, dtype=torch.uint8)


def crops(image: torch.Tensor, recipe: Recipe) -> list[torch.Tensor]:
    """Return every crop of a padded image, and its mirror image, by torchvision."""
    padded = transforms.pad(image, [recipe.crop_padding] * 4, padding_mode=recipe.padding_mode)
    height, width = image.shape[-2:]
    all_offsets = [(y, x) for y in range(2 * recipe.crop_padding + 1) for x in range(2 * recipe.crop_padding + 1)]
    plain = [transforms.crop(padded, y, x, height, width) for y, x in all_offsets]
    return plain + [transforms.horizontal_flip(crop) for crop in plain]


@pytest.mark.parametrize("padding_mode", ["constant", "reflect"])
def test_each_image_is_a_crop_of_its_padded_original_perhaps_mirrored(
    padding_mode: Literal["constant", "reflect"],
) -> None:
    recipe = replace(RANDOM, padding_mode=padding_mode)
    augmented = AugmentedImages(images(), recipe)
    generator = torch.Generator().manual_seed(0)
    seen = set()
    for _ in range(20):
        batch = augmented.batch(torch.arange(6), generator)
        assert batch.dtype == torch.uint8
        for original, image in zip(images(), batch, strict=True):
            matches = [index for index, crop in enumerate(crops(original, recipe)) if torch.equal(crop, image)]
            assert matches
            seen.add(matches[0])
    assert len(seen) > 25  # of 50


def test_without_padding_and_flips_images_stay_as_they_are() -> None:
    recipe = replace(RECIPES["smoke"], crop_padding=0)
    augmented = AugmentedImages(images(), recipe)
    assert torch.equal(augmented.batch(torch.tensor([4, 1]), torch.Generator()), images()[[4, 1]])
