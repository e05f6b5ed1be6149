"""The artifact that is a compressed network: compressed in one part, then fine-tuned, epoch by epoch."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from bench import artifacts, datasets
from bench.core.artifact import Arrays, Content
from impls.compression.workload import CompressionCase
from impls.networks.count import count_macs
from impls.trained_networks.network_artifact import NetworkArtifact, as_arrays, epoch_history, training_images
from impls.trained_networks.trained_network import TrainedNetworkArtifact
from impls.training.recipe import Recipe
from impls.training.training import Images, Training, predict

REVISION = 1
"""To be raised with every change after which the same settings make other weights."""
RESULTS = ("top1_before", "macs_left", "compress_s")
"""Names of the results of compressing."""


class Task(NamedTuple):
    """What a method is given besides the network."""

    macs: float
    """The most MACs for one image that the compressed network may have."""
    rounding: int
    """Numbers of channels are multiples of it, unless a layer has no more."""
    x: Tensor
    """An example of the input, (1, channels, height, width)."""
    train: Images
    """The images that the network was trained on."""
    seed: int
    """Seeds what a method draws at random."""


class Method(Protocol):
    """What an artifact needs of a method; see ``CompressionMethod``."""

    def identity(self) -> Mapping[str, Any]: ...

    def compress(self, network: nn.Module, task: Task) -> None: ...

    def restore(self, network: nn.Module, tensors: Mapping[str, Tensor]) -> None: ...


class FineTuning(NamedTuple):
    """How a compressed network is trained further."""

    recipe: Recipe
    epochs: int


class CompressedNetwork(TrainedNetworkArtifact):
    """A trained network, compressed by a method and fine-tuned.

    Args:
        base: the trained network.
        method: the method.
        case: share of MACs to keep, rounding and seed; ``runtime`` and ``batch`` do not decide the key.
        fine_tuning: how it is trained further.
    """

    kind = "compressed_network"

    def __init__(self, base: NetworkArtifact, method: Method, case: CompressionCase, fine_tuning: FineTuning) -> None:
        self.base, self.method, self.case, self.fine_tuning = base, method, case, fine_tuning

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        return {
            "base": self.base.inputs,
            "method": dict(self.method.identity()),
            "keep": self.case.keep,
            "rounding": self.case.rounding,
            "fine_tuning": {"recipe": asdict(self.fine_tuning.recipe), "epochs": self.fine_tuning.epochs},
            "seed": self.case.seed,
            "revision": REVISION,
        }

    @property
    def settings(self) -> Mapping[str, Any]:
        names = ("keep", "rounding", "fine_tuning_epochs")
        return dict(self.base.settings) | {name: getattr(self.case, name) for name in names}

    @property
    def label(self) -> str:
        method = " ".join(map(str, self.method.identity().values()))
        return f"{method} keep={self.case.keep:g} rounding={self.case.rounding} {self.base.label}"

    def begin(self) -> "CompressionBuild":
        return CompressionBuild(self)

    def load_network(self) -> nn.Module:
        return self.with_weights(artifacts.load(self).arrays)

    def with_weights(self, arrays: Arrays) -> nn.Module:
        """Return the compressed network with these weights, which decide its layers."""
        network = self.base.create()
        self.method.restore(network, {name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
        return network


class CompressionBuild:
    """Compresses a network in its first part, and trains it for an epoch in each further one."""

    def __init__(self, artifact: CompressedNetwork) -> None:
        torch.set_num_threads(1)  # so that sums round alike wherever it is built and continued
        self._artifact = artifact
        self._device = artifact.base.device
        self._train, self._held_out = training_images(artifact.case.dataset, self._device)
        self._training: Training | None = None
        self._results: Tensor = torch.zeros(len(RESULTS), dtype=torch.float64)

    @property
    def parts(self) -> int:
        return 1 + self._artifact.fine_tuning.epochs

    @property
    def done(self) -> int:
        return 1 + len(self._training.history) if self._training else 0

    def build_part(self) -> None:
        if self._training:
            self._training.train_epoch()
        else:
            self._training = self._begin_training(self._compress())

    def state(self) -> Arrays:
        assert self._training, "nothing is saved before the first part"
        return as_arrays(self._training.state() | {"results": self._results})

    def restore(self, state: Arrays) -> None:
        prefix = "network."
        weights = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
        self._training = self._begin_training(self._artifact.with_weights(weights))
        tensors = {name: torch.from_numpy(array) for name, array in state.items()}
        self._results = tensors.pop("results")
        self._training.restore(tensors)

    def content(self) -> Content:
        assert self._training, "all parts are done"
        results = {name: [value] for name, value in zip(RESULTS, self._results.tolist(), strict=True)}
        return Content(as_arrays(self._training.network.state_dict()), epoch_history(self._training) | results)

    def _compress(self) -> nn.Module:
        artifact = self._artifact
        shape = datasets.image_card(artifact.case.dataset).shape
        network = artifact.base.load_network().eval().to(self._device)
        macs = count_macs(network, *shape)
        x = torch.zeros(1, *shape, device=self._device)
        task = Task(artifact.case.keep * macs, artifact.case.rounding, x, self._train, artifact.case.seed)
        began = time.perf_counter()
        artifact.method.compress(network, task)
        seconds = time.perf_counter() - began
        if (left := count_macs(network, *shape)) > task.macs:
            raise ValueError(f"{left:,} MACs are left, more than the {int(task.macs):,} to keep")
        right = predict(network, self._held_out).argmax(dim=1) == self._held_out.labels
        self._results = torch.tensor([right.double().mean().item(), left / macs, seconds], dtype=torch.float64)
        return network

    def _begin_training(self, network: nn.Module) -> Training:
        recipe, epochs = self._artifact.fine_tuning
        network = network.to(self._device)
        return Training(network, recipe, epochs, self._train, self._held_out, self._artifact.case.seed)
