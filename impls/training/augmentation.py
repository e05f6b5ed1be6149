"""Augmentation of images that are held in memory: random crops of padded images, and mirror images."""

import torch
from torch import Tensor
from torch.nn import functional

from impls.training.recipe import Recipe


class AugmentedImages:
    """Training images, moved and mirrored at random.

    Args:
        images: uint8, (n, channels, height, width).
        recipe: says how they are padded and mirrored.
        seed: decides which images an ``alternating`` recipe mirrors first.
    """

    def __init__(self, images: Tensor, recipe: Recipe, seed: int) -> None:
        self._recipe = recipe
        self._size = images.shape[-2:]
        mode = "reflect" if recipe.reflects else "constant"
        padded = functional.pad(images.float(), (recipe.pad,) * 4, mode=mode).to(torch.uint8)
        height, width = self._size
        self._crops = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view: (n, channels, y, x, height, width)
        generator = torch.Generator().manual_seed(seed)
        self._mirrored_first = torch.rand(len(images), generator=generator) < 0.5

    def __len__(self) -> int:
        return len(self._mirrored_first)

    def batch(self, chosen: Tensor, epoch: int, generator: torch.Generator) -> Tensor:
        """Return the chosen images as they look in an epoch, uint8, (n, channels, height, width)."""
        offsets = torch.randint(2 * self._recipe.pad + 1, (2, len(chosen)), generator=generator)
        images = self._crops[chosen, :, offsets[0], offsets[1]]
        if self._recipe.flip == "none":
            return images
        mirrored = torch.rand(len(chosen), generator=generator) < 0.5
        if self._recipe.flip == "alternating":
            mirrored = self._mirrored_first[chosen] ^ bool(epoch % 2)
        return torch.where(mirrored[:, None, None, None], images.flip(-1), images)
