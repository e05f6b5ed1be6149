"""A trained network as it is measured, and the same network in float64 to compare it with."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.core.artifact import Artifact
from bench.core.case import Case
from bench.core.trained import Trained
from bench.core.workload import Array

if TYPE_CHECKING:  # every command imports the workloads, and importing PyTorch takes long
    from torch import nn


class TrainedNetworkArtifact(Artifact):
    """An artifact that is a network with its weights."""

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """The parameters of a case, by name, that decide it."""

    @abstractmethod
    def load_network(self) -> "nn.Module":
        """Return the network with its weights, once it is built.

        Raises:
            RunError: where it is not built, or damaged.
        """


@dataclass(frozen=True, kw_only=True)
class TrainedNetwork(Trained):
    """The call of a deployed network, with the artifact that it was made from."""

    artifact: TrainedNetworkArtifact
    weight_bytes: int
    """Bytes of its parameters and running statistics."""

    def mismatch(self, case: Case) -> str:
        """Return in which parameter the artifact was made for another case; empty where it was made for this one."""
        for name, trained_with in self.artifact.settings.items():
            if trained_with != getattr(case, name):
                return f"the network was trained with {name}={trained_with}, not {getattr(case, name)}"
        return ""

    def reference(self, x: Array, *, rounded: bool = False) -> Array:
        """Return the logits in float64, (batch, classes); ``rounded``: see ``float64_logits``."""
        from impls.trained_networks.float64_logits import float64_logits  # not at the top, for the same reason

        return float64_logits(self.artifact.load_network(), x, rounded=rounded)
