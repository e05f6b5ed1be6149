"""Augmentation of images that are held in memory: random crops of padded images, and mirror images."""

import numpy as np
import torch
from torch import Tensor

from impls.training.recipe import Recipe


class AugmentedImages:
    """Training images, moved and mirrored at random.

    Args:
        images: uint8, (n, channels, height, width).
        recipe: says how they are padded, and whether they are mirrored.
    """

    def __init__(self, images: Tensor, recipe: Recipe) -> None:
        self._recipe = recipe
        self._size = images.shape[-2:]
        sides = (recipe.crop_padding, recipe.crop_padding)
        padded_array = np.pad(images.cpu().numpy(), ((0, 0), (0, 0), sides, sides), recipe.padding_mode)
        padded = torch.from_numpy(padded_array).to(images.device)
        height, width = self._size
        self._crops = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view: (n, channels, y, x, height, width)

    def __len__(self) -> int:
        return len(self._crops)

    def batch(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """Return the chosen images, each moved and mirrored anew, uint8, (n, channels, height, width)."""
        offsets = torch.randint(2 * self._recipe.crop_padding + 1, (2, len(chosen)), generator=generator)
        images = self._crops[chosen, :, offsets[0], offsets[1]]
        if not self._recipe.horizontal_flip:
            return images
        mirrored = torch.rand(len(chosen), generator=generator) < 0.5
        return torch.where(mirrored.to(images.device)[:, None, None, None], images.flip(-1), images)
