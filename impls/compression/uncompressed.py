"""The baseline: the network that all methods begin with."""

from torch import nn

from bench.core.target import Target
from impls.compression._compressed_network import Task
from impls.compression._method import CompressionMethod
from impls.compression.workload import CompressionCase
from impls.trained_networks.network_artifact import NetworkArtifact


class Uncompressed(CompressionMethod):
    """The trained network as it is, without fine-tuning."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning")
    targets = ("cpu", "edge", "cuda")
    note = "Timed: logits of a batch of normalised images, by the compact network on the case's runtime."

    def artifact(self, case: CompressionCase, target: Target) -> NetworkArtifact:
        return self.base(case, target)

    def compress(self, network: nn.Module, task: Task) -> None:
        raise NotImplementedError("it stays as it is")
