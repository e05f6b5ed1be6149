"""Filters form groups by themselves, each of which reads a set of inputs of its own (SG-CNN)."""

from collections.abc import Mapping
from functools import cache

from torch import Tensor, nn

from impls.compression._compressed_network import FineTuning, Task
from impls.compression._method import CompressionMethod, untrained
from impls.compression.workload import CompressionCase
from impls.networks.count import count_macs
from impls.pruning.diverse_groups import restore_diverse_groups
from impls.pruning.self_grouping import groupable_layers, regroup_within, replace_layers

MIN_LOCAL_EPOCHS = 4
"""Local fine-tuning has at least two steps, in half of the epochs of fine-tuning."""


class SelfGrouping(CompressionMethod):
    """Clusters filters by the inputs that they need; each cluster reads its own inputs; fine-tuned globally (G)."""

    workload = "compression"
    requires = ("torch", "safetensors", "scikit-learn")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 2009.13803"
    local = False
    variants = {
        "self_grouping": {},
        "self_grouping_local": {
            "local": True,
            "summary": "Self-grouping in steps, fine-tuned locally after each, then globally (LG), in as many epochs.",
        },
    }
    note = (
        "No channel is removed, so round_to has no effect. Layers gather the inputs of each group, convolve and "
        "reorder. Timed: logits of a batch of normalised images, on the case's runtime."
    )

    def unsupported(self, case: CompressionCase) -> str | None:
        if reason := super().unsupported(case):
            return reason
        if self.local and case.fine_tuning_epochs < MIN_LOCAL_EPOCHS:
            return f"local fine-tuning needs fine_tuning_epochs={MIN_LOCAL_EPOCHS} or more"
        share = _min_share(case.dataset, case.network, case.width_mult)
        if share <= case.keep:
            return None
        return f"keep={case.keep:g} cannot be reached: with a channel for each filter, {share:.0%} of the MACs remain"

    def fine_tuning(self, case: CompressionCase) -> FineTuning:
        """Return, for local fine-tuning, stages of one epoch for half of them, and the rest after the last step."""
        whole = super().fine_tuning(case)
        steps = case.fine_tuning_epochs // 2
        last = case.fine_tuning_epochs - steps + 1
        return whole._replace(epochs=(*[1] * (steps - 1), last)) if self.local else whole

    def compress(self, network: nn.Module, task: Task) -> None:
        layers = groupable_layers(network, task.x)
        others = count_macs(network, *task.x.shape[1:]) - sum(layer.dense_macs for layer in layers)
        replace_layers(network, regroup_within(layers, task.macs - others, task.seed))

    def restore(self, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
        restore_diverse_groups(network, tensors)


@cache
def _min_share(dataset: str, network: str, width_mult: float) -> float:
    """Return the share of a network's MACs that is left where each filter of a layer with groups reads one channel."""
    created, x = untrained(dataset, network, width_mult)
    layers = groupable_layers(created, x)
    whole = count_macs(created, *x.shape[1:])
    return (whole - sum(layer.dense_macs - layer.min_macs for layer in layers)) / whole
