"""The artifact that is a trained network, and its training."""

import inspect
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench import datasets
from bench.core.artifact import Arrays, Artifact, Content
from impls.networks.block import Block
from impls.networks.catalogue import create_network
from impls.trained_networks import image_data
from impls.trained_networks.formats import LabelledImages
from impls.training.recipe import RECIPES
from impls.training.training import Epoch, Images, Training

REVISION = 2
"""To be raised with every change after which the same settings make other weights: a test compares the code."""


class NetworkArtifact(Artifact):
    """A network with a block, trained on a dataset.

    Args:
        dataset: name of its card.
        network: name in ``impls.networks``.
        width_mult: multiplies its channels.
        block: replaces its 3 x 3 convolutions.
        recipe: name in ``impls.training``.
        epochs: number of epochs.
        seed: seeds initial weights, order and augmentation.
        device: where PyTorch trains; it does not decide the key.
    """

    kind = "network"

    def __init__(
        self,
        dataset: str,
        network: str,
        width_mult: float,
        block: Block,
        recipe: str,
        epochs: int,
        seed: int,
        device: str = "cpu",
    ) -> None:
        self.dataset, self.network, self.width_mult, self.block = dataset, network, width_mult, block
        self.recipe, self.epochs, self.seed = recipe, epochs, seed
        self.device = device

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        card = datasets.image_card(self.dataset)
        files = {file.name: file.sha256 for file in card.files}
        deciding = ("name", "format", "shape", "classes", "train", "held_out", "mean", "std")
        return {
            "dataset": {"files": files} | {name: getattr(card, name) for name in deciding},
            "network": self.network,
            "width_mult": self.width_mult,
            "block": [str(self.block), *_source_of_plugin(self.block)],
            "recipe": asdict(RECIPES[self.recipe]),
            "epochs": self.epochs,
            "seed": self.seed,
            "revision": REVISION,
        }

    @property
    def label(self) -> str:
        return (
            f"{self.network} x{self.width_mult:g} {self.block} {self.dataset} {self.recipe} "
            f"epochs={self.epochs} seed={self.seed}"
        )

    def begin(self) -> "NetworkTraining":
        return NetworkTraining(self)

    def create(self) -> nn.Module:
        """Return the network with its initial weights."""
        card = datasets.image_card(self.dataset)
        torch.manual_seed(self.seed)
        return create_network(
            self.network,
            self.block,
            num_classes=card.classes,
            in_channels=card.shape[0],
            width_mult=self.width_mult,
        )


def _source_of_plugin(block: Block) -> list[str]:
    """Return a hash of the file that defines a block of another class than this project's."""
    if type(block) is Block:
        return []
    return [sha256(Path(inspect.getfile(type(block))).read_bytes()).hexdigest()[:12]]


class NetworkTraining:
    """Trains a network; an epoch is a part."""

    def __init__(self, artifact: NetworkArtifact) -> None:
        torch.set_num_threads(1)  # so that sums round alike wherever it is built and continued
        splits = image_data.load(artifact.dataset)
        card = datasets.image_card(artifact.dataset)

        def images(part: LabelledImages) -> Images:
            tensors, labels = torch.from_numpy(part.images), torch.from_numpy(part.labels)
            return Images(tensors.to(artifact.device), labels.to(artifact.device), card.mean, card.std)

        self._training = Training(
            artifact.create().to(artifact.device),
            RECIPES[artifact.recipe],
            artifact.epochs,
            images(splits.train),
            images(splits.held_out),
            artifact.seed,
        )

    @property
    def parts(self) -> int:
        return self._training.epochs

    @property
    def done(self) -> int:
        return len(self._training.history)

    def build_part(self) -> None:
        self._training.train_epoch()

    def state(self) -> Arrays:
        return _arrays(self._training.state())

    def restore(self, state: Arrays) -> None:
        self._training.restore({name: torch.from_numpy(array) for name, array in state.items()})

    def content(self) -> Content:
        history = {name: [getattr(epoch, name) for epoch in self._training.history] for name in Epoch._fields}
        return Content(_arrays(self._training.network.state_dict()), history)


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in tensors.items()}


def load_weights(network: nn.Module, arrays: Arrays) -> None:
    """Put the arrays of an artifact into a network."""
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
