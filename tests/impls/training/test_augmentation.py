"""Augmented images are crops and mirror images of the padded originals, as torchvision makes them."""

from dataclasses import replace

import pytest
import torch
from torchvision.transforms.v2 import functional as transforms

from impls.training.augmentation import AugmentedImages
from impls.training.recipe import RECIPES, Recipe

RANDOM = Recipe(epochs=1, learning_rate=0.1, schedule="steps", pad=2)


def images(count: int = 6, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(256, (count, channels, 7, 9), generator=generator, dtype=torch.uint8)


def crops(image: torch.Tensor, recipe: Recipe) -> list[torch.Tensor]:
    """Return every crop of a padded image, and its mirror image, by torchvision."""
    mode = "reflect" if recipe.reflects else "constant"
    padded = transforms.pad(image, [recipe.pad] * 4, padding_mode=mode)
    height, width = image.shape[-2:]
    all_offsets = [(y, x) for y in range(2 * recipe.pad + 1) for x in range(2 * recipe.pad + 1)]
    plain = [transforms.crop(padded, y, x, height, width) for y, x in all_offsets]
    return plain + [transforms.horizontal_flip(crop) for crop in plain]


@pytest.mark.parametrize("reflects", [False, True])
def test_each_image_is_a_crop_of_its_padded_original_perhaps_mirrored(reflects: bool) -> None:
    recipe = replace(RANDOM, reflects=reflects)
    augmented = AugmentedImages(images(), recipe, seed=0)
    generator = torch.Generator().manual_seed(0)
    seen = set()
    for epoch in range(20):
        batch = augmented.batch(torch.arange(6), epoch, generator)
        assert batch.dtype == torch.uint8
        for original, image in zip(images(), batch, strict=True):
            matches = [index for index, crop in enumerate(crops(original, recipe)) if torch.equal(crop, image)]
            assert matches
            seen.add(matches[0])
    assert len(seen) > 25  # of 50


def test_alternating_flips_show_each_image_both_ways_in_two_epochs() -> None:
    recipe = replace(RANDOM, flip="alternating", pad=0)
    augmented = AugmentedImages(images(50), recipe, seed=0)
    first, second, third = (augmented.batch(torch.arange(50), epoch, torch.Generator()) for epoch in range(3))
    assert torch.equal(first, second.flip(-1))
    assert torch.equal(first, third)
    mirrored = sum(not torch.equal(image, original) for image, original in zip(first, images(50), strict=True))
    assert 10 < mirrored < 40


def test_without_padding_and_flips_images_stay_as_they_are() -> None:
    recipe = replace(RECIPES["smoke"], pad=0)
    augmented = AugmentedImages(images(), recipe, seed=0)
    assert torch.equal(augmented.batch(torch.tensor([4, 1]), 0, torch.Generator()), images()[[4, 1]])
