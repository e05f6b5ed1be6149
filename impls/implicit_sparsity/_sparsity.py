"""Inactive features and selectivity, as arXiv 1811.12495 defines them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.core.workload import Array

ACTIVATION_THRESHOLD = 1e-12
SCALE_THRESHOLD = 1e-3
SELECTIVE_FRACTION = 1e-3
END_LAYERS = 3
"""The number of convolutions at either end of a network that are compared."""


class LayerActivations(NamedTuple):
    """What a convolution with batch norm and ReLU does on the training images."""

    maxima: Array
    """The largest magnitude of each feature after the ReLU on each image, (images, features)."""
    scales: Array
    """The scale of each feature in batch norm, (features,)."""

    def inactive(self) -> Array:
        """Return which features stay below ACTIVATION_THRESHOLD on all images, (features,)."""
        below: Array = self.maxima.max(axis=0) < ACTIVATION_THRESHOLD
        return below

    def inactive_by_scale(self) -> Array:
        """Return which features are scaled by less than SCALE_THRESHOLD, (features,)."""
        below: Array = np.abs(self.scales) < SCALE_THRESHOLD
        return below

    def selectivity(self) -> Array:
        """Return the selectivity of each active feature, (active features,); inactive ones have none.

        It is the fraction of images on which the feature responds with at most SELECTIVE_FRACTION of its largest
        response.
        """
        active = self.maxima[:, ~self.inactive()]
        selective: Array = (active / active.max(axis=0, initial=0.0) <= SELECTIVE_FRACTION).mean(axis=0)
        return selective


class Summary(NamedTuple):
    """Metrics of a network, and of each of its layers, by the names that the workload describes."""

    metrics: dict[str, float]
    curves: dict[str, list[float]]


def summarise(layers: Sequence[LayerActivations]) -> Summary:
    """Return the sparsity and the selectivity of a network and of its layers; NaN where no feature is active."""
    inactive = [layer.inactive() for layer in layers]
    by_scale = [layer.inactive_by_scale() for layer in layers]
    selectivity = [layer.selectivity() for layer in layers]
    metrics = {
        "sparsity": _mean(inactive),
        "sparsity_by_scale": _mean(by_scale),
        "selectivity": _mean(selectivity),
        "selectivity_rise": _mean(selectivity[-END_LAYERS:]) - _mean(selectivity[:END_LAYERS]),
    }
    curves = {
        "sparsity_by_layer": [_mean([values]) for values in inactive],
        "sparsity_by_scale_by_layer": [_mean([values]) for values in by_scale],
        "selectivity_by_layer": [_mean([values]) for values in selectivity],
        "universality_by_layer": [1 - _mean([values]) for values in selectivity],
    }
    return Summary(metrics, curves)


def _mean(values: Sequence[Array]) -> float:
    """Return the mean over the features of some layers, or NaN where there are none."""
    features = np.concatenate(values)
    return float(features.mean()) if features.size else float("nan")
