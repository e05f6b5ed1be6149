"""The artifact that is a network trained by one optimiser with one regularisation."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any

import torch
from torch import nn

from bench import artifacts, datasets
from impls.implicit_sparsity._optimisers import OPTIMISERS, create_optimiser
from impls.implicit_sparsity.workload import ImplicitSparsityCase
from impls.networks.basic_net import basic_net
from impls.trained_networks.network_artifact import REVISION as TRAINING_REVISION
from impls.trained_networks.network_artifact import NetworkTraining, dataset_inputs, load_weights, training_images
from impls.trained_networks.trained_network import TrainedNetworkArtifact
from impls.training.recipe import Recipe
from impls.training.training import ParameterGroups, Training

REVISION = 1
"""To be raised with every change of this folder after which the same case makes other weights: a test compares."""


class RegularisedNetwork(TrainedNetworkArtifact):
    """BasicNet, trained by an optimiser as a case says.

    Args:
        case: all of its parameters decide the training.
        optimiser: its name in OPTIMISERS.
        device: where PyTorch trains; it does not decide the key.
    """

    kind = "regularised_network"

    def __init__(self, case: ImplicitSparsityCase, optimiser: str, device: str = "cpu") -> None:
        self.case, self.optimiser, self.device = case, optimiser, device

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        unused = ("momentum", "nesterov")  # the optimiser has its own
        return {
            "dataset": dataset_inputs(self.case.dataset),
            "network": "basic_net",
            "width_mult": self.case.width_mult,
            "optimiser": OPTIMISERS[self.optimiser]._asdict(),
            "recipe": {name: value for name, value in asdict(self.recipe).items() if name not in unused},
            "decoupled_decay": self.decoupled_decay,
            "epochs": self.case.epochs,
            "seed": self.case.seed,
            "revisions": [TRAINING_REVISION, REVISION],
        }

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.case.model_dump()

    @property
    def label(self) -> str:
        return f"basic_net {self.optimiser} {self.case.dataset} {self.case.slug}"

    @property
    def recipe(self) -> Recipe:
        """The settings of the training, of which L2 regularisation is ``weight_decay``."""
        return Recipe(
            learning_rate=OPTIMISERS[self.optimiser].learning_rate,
            schedule="constant",
            batch_size=self.case.batch_size,
            weight_decay=self.case.strength if self.case.decay == "l2" else 0.0,
            crop_padding=0,
            horizontal_flip=False,
            channels_last=True,
        )

    @property
    def decoupled_decay(self) -> float:
        """The fraction of each parameter that is taken away after each step."""
        return self.case.strength if self.case.decay == "decoupled" else 0.0

    def begin(self) -> NetworkTraining:
        case, network = self.case, self.create().to(self.device)
        train, held_out = training_images(case.dataset, self.device)
        return NetworkTraining(
            Training(network, self.recipe, case.epochs, train, held_out, case.seed, self._create_optimiser)
        )

    def load_network(self) -> nn.Module:
        network = self.create()
        load_weights(network, artifacts.load(self).arrays)
        return network

    def create(self) -> nn.Module:
        """Return the network with its initial weights."""
        card = datasets.image_card(self.case.dataset)
        torch.manual_seed(self.case.seed)
        return basic_net(num_classes=card.classes, in_channels=card.shape[0], width_mult=self.case.width_mult)

    def _create_optimiser(self, groups: ParameterGroups) -> torch.optim.Optimizer:
        return create_optimiser(OPTIMISERS[self.optimiser], groups, self.decoupled_decay)
