"""The baseline: the network that methods begin with, and the same network after as many epochs as they have."""

from torch import nn

from bench.core.target import Target
from impls.compression._compressed_network import Task
from impls.compression._method import CompressionMethod
from impls.compression.workload import CompressionCase
from impls.trained_networks.trained_network import TrainedNetworkArtifact


class Uncompressed(CompressionMethod):
    """The trained network as it is."""

    workload = "compression"
    requires = ("torch", "safetensors")
    targets = ("cpu", "edge", "cuda")
    note = "Timed: logits of a batch of normalised images, by the uncompressed network on the case's runtime."
    within_budget = False
    fine_tuned = False
    variants = {
        "uncompressed": {},
        "uncompressed_fine_tuned": {
            "fine_tuned": True,
            "summary": "The uncompressed network, fine-tuned for as many epochs as the compressed ones.",
        },
    }

    def artifact(self, case: CompressionCase, target: Target) -> TrainedNetworkArtifact:
        return super().artifact(case, target) if self.fine_tuned else self.base(case, target)

    def compress(self, network: nn.Module, task: Task) -> None:
        """Leave the network as it is."""
