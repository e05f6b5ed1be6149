"""A trained network as it is measured, and the same network in float64 to compare it with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench import artifacts
from bench.core.case import Case
from bench.core.trained import Trained
from bench.core.workload import Array

if TYPE_CHECKING:
    from impls.trained_networks.network_artifact import NetworkArtifact

TRAINED_BY = ("dataset", "network", "width_mult", "recipe", "epochs", "seed")
"""The parameters of a case that decide its artifact."""


@dataclass(frozen=True, kw_only=True)
class TrainedNetwork(Trained):
    """The call of a deployed network, with the artifact that it was made from."""

    artifact: "NetworkArtifact"
    weight_bytes: int
    """Bytes of its parameters and running statistics."""

    def mismatch(self, case: Case) -> str:
        """Return in which parameter the artifact was made for another case; empty where it was made for this one."""
        for name in TRAINED_BY:
            if (trained_with := getattr(self.artifact, name)) != getattr(case, name):
                return f"the network was trained with {name}={trained_with}, not {getattr(case, name)}"
        return ""

    def reference(self, x: Array) -> Array:
        """Return the logits of the network in float64, (batch, classes)."""
        import torch  # not by the workload, which every command imports

        from impls.trained_networks.network_artifact import load_weights

        network = self.artifact.create()
        load_weights(network, artifacts.load(self.artifact).arrays)  # not kept, to be no part of the call's memory
        network.double().eval()
        with torch.inference_mode():
            logits: Array = network(torch.from_numpy(np.ascontiguousarray(x)).double()).numpy()
            return logits
