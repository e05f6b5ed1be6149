"""Channels that are alike are clustered, and one of each cluster stays: our derivation of arXiv 1908.02620."""

import numpy as np
from torch import nn

from impls.compression._compressed_network import Task
from impls.compression._method import RankingMethod
from impls.pruning.budget import ChannelRanking
from impls.pruning.channel_groups import ChannelGroup
from impls.pruning.similarity import (
    Correlation,
    Linkage,
    Moments,
    SimilaritySettings,
    cluster,
    distances,
    measured_correlations,
)

CALIBRATION_IMAGES = 256
"""Training images whose values tell how channels are correlated, where that is measured."""


class ChannelSimilarity(RankingMethod):
    """Clusters alike channels by batch norm's statistics; one of each stays, with the others' outgoing weights."""

    workload = "compression"
    requires = ("torch", "safetensors", "torch-pruning", "scipy")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 1908.02620"
    note = (
        "Our derivation, since we had no access to the paper's formulas. "
        "Timed: logits of a batch of normalised images, by the compressed network on the case's runtime."
    )
    correlation: Correlation = "filters"
    moments: Moments = "rectified"
    linkage: Linkage = "average"
    variants = {
        "channel_similarity": {},
        "channel_similarity_data": {
            "correlation": "data",
            "summary": "Channel similarity, with correlations of the channels measured on training images.",
        },
        "channel_similarity_uncorrelated": {
            "correlation": "none",
            "summary": "Channel similarity, with channels taken to be uncorrelated.",
        },
        "channel_similarity_gaussian": {
            "moments": "gaussian",
            "summary": "Channel similarity, with the moments of the values before the ReLU.",
        },
        "channel_similarity_complete": {
            "linkage": "complete",
            "summary": "Channel similarity, with clusters whose distance is that of their most different channels.",
        },
    }

    def rankings(self, network: nn.Module, groups: list[ChannelGroup], task: Task) -> list[ChannelRanking]:
        settings = SimilaritySettings(self.correlation, self.moments, self.linkage)
        correlations = {}
        if settings.correlation == "data":
            images = min(CALIBRATION_IMAGES, len(task.train.images))
            chosen = np.random.default_rng(task.seed).choice(len(task.train.images), images, replace=False)
            correlations = measured_correlations(network, task.train.normalised(task.train.images[chosen]))
        return [cluster(distances(group, settings, correlations), settings.linkage).ranking() for group in groups]
