"""The artifact that is a trained network, and its training."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench import artifacts, datasets
from bench.core.artifact import Arrays, Content
from impls.networks.block import Block
from impls.networks.catalogue import create_network
from impls.trained_networks import image_data
from impls.trained_networks.formats import LabelledImages
from impls.trained_networks.trained_network import TrainedNetworkArtifact
from impls.training.recipe import RECIPES
from impls.training.training import Epoch, Images, Training

REVISION = 2
"""To be raised with every change after which the same settings make other weights: a test compares the code."""


class NetworkArtifact(TrainedNetworkArtifact):
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
        scale_penalty: multiplies the L1 norm of the scales of batch norms, which is added to the loss.
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
        scale_penalty: float = 0.0,
    ) -> None:
        self.dataset, self.network, self.width_mult, self.block = dataset, network, width_mult, block
        self.recipe, self.epochs, self.seed = recipe, epochs, seed
        self.device, self.scale_penalty = device, scale_penalty

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        return {
            "dataset": dataset_inputs(self.dataset),
            "network": self.network,
            "width_mult": self.width_mult,
            "block": [str(self.block), *_source_of_plugin(self.block)],
            "recipe": asdict(RECIPES[self.recipe]),
            "epochs": self.epochs,
            "seed": self.seed,
            "revision": REVISION,
        } | ({"scale_penalty": self.scale_penalty} if self.scale_penalty else {})

    @property
    def settings(self) -> Mapping[str, Any]:
        names = ("dataset", "network", "width_mult", "recipe", "epochs", "seed")
        return {name: getattr(self, name) for name in names}

    @property
    def label(self) -> str:
        penalty = f" scale_penalty={self.scale_penalty:g}" if self.scale_penalty else ""
        return (
            f"{self.network} x{self.width_mult:g} {self.block} {self.dataset} {self.recipe} "
            f"epochs={self.epochs} seed={self.seed}{penalty}"
        )

    def begin(self) -> "NetworkTraining":
        network = self.create().to(self.device)
        train, held_out = training_images(self.dataset, self.device)
        penalty = partial(_scale_penalty, network, self.scale_penalty) if self.scale_penalty else None
        recipe = RECIPES[self.recipe]
        return NetworkTraining(Training(network, recipe, self.epochs, train, held_out, self.seed, penalty=penalty))

    def load_network(self) -> nn.Module:
        network = self.create()
        load_weights(network, artifacts.load(self).arrays)
        return network

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


def dataset_inputs(name: str) -> dict[str, Any]:
    """Return everything of a dataset that decides what is trained on it."""
    card = datasets.image_card(name)
    files = {file.name: file.sha256 for file in card.files}
    deciding = ("name", "format", "shape", "classes", "train", "held_out", "mean", "std")
    return {"files": files} | {name: getattr(card, name) for name in deciding}


def _source_of_plugin(block: Block) -> list[str]:
    """Return a hash of the file that defines a block of another class than this project's."""
    if type(block) is Block:
        return []
    return [sha256(Path(inspect.getfile(type(block))).read_bytes()).hexdigest()[:12]]


class NetworkTraining:
    """Builds an artifact by a training; an epoch is a part."""

    def __init__(self, training: Training) -> None:
        torch.set_num_threads(1)  # so that sums round alike wherever it is built and continued
        self._training = training

    @property
    def parts(self) -> int:
        return self._training.epochs

    @property
    def done(self) -> int:
        return len(self._training.history)

    def build_part(self) -> None:
        self._training.train_epoch()

    def state(self) -> Arrays:
        return as_arrays(self._training.state())

    def restore(self, state: Arrays) -> None:
        self._training.restore({name: torch.from_numpy(array) for name, array in state.items()})

    def content(self) -> Content:
        return Content(as_arrays(self._training.network.state_dict()), epoch_history(self._training.history))


def training_images(dataset: str, device: str) -> tuple[Images, Images]:
    """Return the images of a dataset to train on, and the held-out ones, on a PyTorch device."""
    splits, card = image_data.load(dataset), datasets.image_card(dataset)

    def images(part: LabelledImages) -> Images:
        tensors, labels = torch.from_numpy(part.images), torch.from_numpy(part.labels)
        return Images(tensors.to(device), labels.to(device), card.mean, card.std)

    return images(splits.train), images(splits.held_out)


def epoch_history(epochs: Sequence[Epoch]) -> dict[str, list[float]]:
    """Return the results of epochs, by their names."""
    return {name: [getattr(epoch, name) for epoch in epochs] for name in Epoch._fields}


def as_arrays(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    """Return tensors as arrays of the same values."""
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in tensors.items()}


def load_weights(network: nn.Module, arrays: Arrays) -> None:
    """Put the arrays of an artifact into a network."""
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})


def _scale_penalty(network: nn.Module, factor: float) -> Tensor:
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    return factor * torch.stack([norm.weight.abs().sum() for norm in norms]).sum()
