"""The artifact that is a compressed network: compressed, and then fine-tuned epoch by epoch, perhaps in stages."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from itertools import count
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from bench import artifacts, datasets
from bench.core.artifact import Arrays, Content
from impls.compression.workload import SEEDS_PER_STAGE, CompressionCase
from impls.networks.count import count_macs
from impls.trained_networks.network_artifact import as_arrays, epoch_history, training_images
from impls.trained_networks.trained_network import TrainedNetworkArtifact
from impls.training.recipe import Recipe
from impls.training.training import (
    Epoch,
    Images,
    Training,
    epochs_of_tensor,
    predict,
    tensor_of_epochs,
)

REVISION = 1
"""To be raised with every change after which the same settings make other weights."""
RESULTS = ("top1_held_out_before", "macs_left", "compress_s")
"""Names of the results of compressing."""


class Task(NamedTuple):
    """What a method is given besides the network."""

    macs: float
    """The most MACs for one image that the compressed network may have."""
    round_to: int
    """Numbers of channels are rounded up to a multiple of it, at most to all."""
    x: Tensor
    """An example of the input, (1, channels, height, width)."""
    train: Images
    """The images that the network was trained on."""
    seed: int
    """Seeds what a method draws at random."""


class Method(Protocol):
    """What an artifact needs of a method; see ``CompressionMethod``."""

    within_budget: ClassVar[bool]

    def identity(self) -> Mapping[str, Any]: ...

    def compress(self, network: nn.Module, task: Task) -> None: ...

    def restore(self, network: nn.Module, tensors: Mapping[str, Tensor]) -> None: ...


class FineTuning(NamedTuple):
    """How a compressed network is trained further."""

    recipe: Recipe
    epochs: tuple[int, ...]
    """Epochs of each stage. A stage begins by compressing further, each by as many MACs, and has a schedule of its own
    for the learning rate."""


class Base(Protocol):
    """What an artifact needs of the trained network that it begins with."""

    device: str

    @property
    def inputs(self) -> Mapping[str, Any]: ...

    @property
    def label(self) -> str: ...

    def create(self) -> nn.Module: ...

    def load_network(self) -> nn.Module: ...


class CompressedNetwork(TrainedNetworkArtifact):
    """A trained network, compressed by a method and fine-tuned.

    Args:
        base: the trained network.
        method: the method.
        case: share of MACs to keep, ``round_to`` and seed; ``runtime`` and ``batch`` do not decide the key, nor do the
            first two where the method does not keep to the share.
        fine_tuning: how it is trained further.
    """

    kind = "compressed_network"

    def __init__(self, base: Base, method: Method, case: CompressionCase, fine_tuning: FineTuning) -> None:
        self.base, self.method, self.case, self.fine_tuning = base, method, case, fine_tuning

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        return {
            "base": self.base.inputs,
            "method": dict(self.method.identity()),
            "budget": {"keep": self.case.keep, "round_to": self.case.round_to} if self.method.within_budget else None,
            "fine_tuning": {"recipe": asdict(self.fine_tuning.recipe), "epochs": list(self.fine_tuning.epochs)},
            "seed": self.case.seed,
            "revision": REVISION,
        }

    @property
    def settings(self) -> Mapping[str, Any]:
        deciding = set(CompressionCase.model_fields) - {"runtime", "batch"}
        return {name: getattr(self.case, name) for name in sorted(deciding)}

    @property
    def label(self) -> str:
        identity = dict(self.method.identity())
        method, _ = identity.pop("method"), identity.pop("libraries", None)
        settings = "".join(f" {name}={value}" for name, value in identity.items())
        budget = f" keep={self.case.keep:g} round_to={self.case.round_to}" if self.method.within_budget else ""
        return f"{method}{settings}{budget} {self.base.label}"

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
    """Compresses a network in its first part, and trains it for an epoch in each further one, in one or more stages."""

    def __init__(self, artifact: CompressedNetwork) -> None:
        torch.set_num_threads(1)  # so that sums round alike wherever it is built and continued
        self._artifact = artifact
        self._recipe, self._epochs = artifact.fine_tuning
        self._train, self._held_out = training_images(artifact.case.dataset, artifact.base.device)
        self._training: Training | None = None
        """That of the present stage."""
        self._earlier: list[Epoch] = []
        """The epochs of earlier stages."""
        self._results = dict.fromkeys(RESULTS, 0.0)

    @property
    def parts(self) -> int:
        return 1 + sum(self._epochs)

    @property
    def done(self) -> int:
        return 1 + len(self._earlier) + len(self._training.history) if self._training else 0

    def build_part(self) -> None:
        if self._training is None:
            self._training = self._begin(self._compressed(self._artifact.base.load_network()))
            return
        if len(self._training.history) == self._epochs[self._stage]:
            self._earlier += self._training.history
            self._training = self._begin(self._compressed(self._training.network))
        self._training.train_epoch()

    def state(self) -> Arrays:
        assert self._training, "nothing is saved before the first part"
        earlier = tensor_of_epochs(self._earlier)
        results = torch.tensor(list(self._results.values()), dtype=torch.float64)
        return as_arrays(self._training.state() | {"earlier": earlier, "results": results})

    def restore(self, state: Arrays) -> None:
        prefix = "network."
        weights = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
        tensors = {name: torch.from_numpy(array) for name, array in state.items()}
        self._results = dict(zip(RESULTS, tensors.pop("results").tolist(), strict=True))
        self._earlier = epochs_of_tensor(tensors.pop("earlier"))
        self._training = self._begin(self._artifact.with_weights(weights))
        self._training.restore(tensors)

    def content(self) -> Content:
        assert self._training, "all parts are done"
        history = epoch_history([*self._earlier, *self._training.history])
        results = {name: [value] for name, value in self._results.items()}
        return Content(as_arrays(self._training.network.state_dict()), history | results)

    @property
    def _stage(self) -> int:
        """The number of stages that are over."""
        return next(stage for stage in count() if sum(self._epochs[:stage]) == len(self._earlier))

    def _begin(self, network: nn.Module) -> Training:
        """Return the training of the present stage, which sees images in an order of its own."""
        network = network.to(self._artifact.base.device)
        seed = SEEDS_PER_STAGE * (1 + self._stage) + self._artifact.case.seed
        return Training(network, self._recipe, self._epochs[self._stage], self._train, self._held_out, seed)

    def _compressed(self, network: nn.Module) -> nn.Module:
        """Return a network, changed in place, with the MACs that the present stage leaves."""
        case, base = self._artifact.case, self._artifact.base
        shape = datasets.image_card(case.dataset).shape
        whole = count_macs(base.create(), *shape)
        budget = whole * (1 - (1 - case.keep) * (self._stage + 1) / len(self._epochs))
        train = training_images(case.dataset, "cpu")[0]
        task = Task(budget, case.round_to, torch.zeros(1, *shape), train, case.seed)
        network = network.cpu().eval()
        began = time.perf_counter()
        self._artifact.method.compress(network, task)
        self._results["compress_s"] += time.perf_counter() - began
        left = count_macs(network, *shape)
        if left > budget and self._artifact.method.within_budget:
            raise ValueError(f"{left:,} MACs are left, more than the {int(budget):,} to keep")
        right = predict(network.to(base.device), self._held_out).argmax(dim=1) == self._held_out.labels
        self._results |= {"top1_held_out_before": right.double().mean().item(), "macs_left": left / whole}
        return network
