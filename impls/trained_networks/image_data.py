"""Datasets of images: loaded once in a process, and split into images to train on, held-out ones and test images."""

from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from bench import datasets
from bench.core.errors import UsageError
from bench.core.workload import Array
from impls.trained_networks.formats import LabelledImages, Splits, read_splits


class ImageSplits(NamedTuple):
    """The images of a dataset; no training sees the held-out ones, and no choice is made by the test images."""

    train: LabelledImages
    held_out: LabelledImages
    test: LabelledImages


def missing(name: str) -> str | None:
    """Return why a dataset cannot be read, in a line with what to do, or None."""
    try:
        card = datasets.image_card(name)
    except UsageError as error:
        return str(error)
    if card.format == "scikit_learn_digits" and find_spec("sklearn") is None:
        return f"dataset {name} needs scikit-learn: pip install scikit-learn"
    return datasets.verify(name)


@cache
def load(name: str) -> ImageSplits:
    """Load a dataset; the same images are held out each time.

    Raises:
        UsageError: where it is unknown, or its files are missing or wrong.
    """
    card = datasets.image_card(name)
    splits: Splits = read_splits(card, datasets.files(name))
    order = np.random.default_rng(0).permutation(card.train)
    held_out, train = (np.sort(part) for part in np.split(order, [card.held_out]))
    return ImageSplits(_take(splits.train, train), _take(splits.train, held_out), splits.test)


def normalise(name: str, images: Array) -> Array:
    """Return uint8 images as float32, from which the card's means are subtracted, divided by its deviations."""
    card = datasets.image_card(name)
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (card.mean, card.std))
    normalised: Array = (images.astype(np.float32) / np.float32(255) - mean) / std
    return normalised


def _take(part: LabelledImages, chosen: Array) -> LabelledImages:
    return LabelledImages(part.images[chosen], part.labels[chosen])
