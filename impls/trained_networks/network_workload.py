"""What workloads of trained networks share: images as inputs, logits that are verified, and accuracies."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator

from bench.core.record import Check
from bench.core.workload import Array, Call, Metric, Problem, Workload
from bench.measure.correctness import compare_array, worse
from bench.measure.outputs import as_arrays
from impls.runtimes.catalogue import RUNTIMES
from impls.trained_networks import image_data
from impls.trained_networks.formats import LabelledImages
from impls.trained_networks.tolerance import TOLERANCE, logits_tolerance
from impls.trained_networks.trained_network import TrainedNetwork

TOP1 = Metric(
    "top1",
    "top-1 accuracy",
    "Fraction of test images classified correctly by the network of the last epoch.",
    is_fraction=True,
    higher_is_better=True,
)
TOP1_HELD_OUT = Metric(
    "top1_held_out",
    "top-1 accuracy, held-out images",
    "The same on training images that were held out. Where the test set is small, it is the steadier figure.",
    is_fraction=True,
    higher_is_better=True,
)
WEIGHT_BYTES = Metric(
    "weight_bytes", "size of the weights", "All parameters, running statistics, and indices of channels.", unit="bytes"
)


def _known(runtime: str) -> str:
    if runtime not in RUNTIMES:
        raise ValueError(f"no runtime {runtime!r}; choose from {', '.join(RUNTIMES)}")
    return runtime


RuntimeName = Annotated[str, AfterValidator(_known)]
"""A name in ``impls.runtimes.catalogue``."""


class TrainedNetworkWorkload(Workload):
    """Logits of images, from a network trained on others.

    Input: ``x`` (batch, channels, height, width), float32, normalised held-out images. There are no constants:
    weights are an artifact (``bench.core.artifact``), made by ``featherbench build`` or before the case is measured.
    Output: logits (batch, classes), float32.

    A case has ``dataset``, a card's name, and ``batch``. ``prepare`` returns a ``TrainedNetwork``. The check compares
    its logits with those of the same network in float64 with the artifact's weights (see ``logits_tolerance``).
    """

    uses_artifacts = True
    evaluates = True

    def missing(self, case: Any) -> str | None:
        return image_data.missing(case.dataset)

    def problem(self, case: Any, seed: int) -> Problem:
        images = image_data.load(case.dataset).held_out.images
        chosen = np.random.default_rng(seed).choice(len(images), case.batch, replace=case.batch > len(images))
        return Problem(case, {"x": image_data.normalise(case.dataset, images[chosen])}, {})

    def check(self, problem: Problem, call: Call, seed: int) -> Check:
        """Compare logits of two sets of images with the reference, so that an output that ignores its input fails."""
        checks = []
        for offset in (0, 1):
            self.refill(problem, seed + offset)
            checks.append(self.check_output(problem, call, call()))
        return worse(*checks)

    def check_output(self, problem: Problem, call: Call, output: Any) -> Check:
        if not isinstance(call, TrainedNetwork):
            return Check(passed=False, reason=f"prepare must return a TrainedNetwork, not a {type(call).__name__}")
        if reason := call.mismatch(problem.case):
            return Check(passed=False, reason=reason)
        x = problem.on_host().inputs["x"]
        expected = call.reference(x)
        if not np.isfinite(expected).all():
            return Check(passed=False, reason="the training diverged: logits of the network in float64 are not finite")
        logits = as_arrays(output)[0]
        tolerance = TOLERANCE
        error, reason = compare_array(logits, expected, np.dtype(np.float32), tolerance)
        if error > tolerance:
            tolerance = logits_tolerance(call.reference(x, rounded=True), expected)
            error, reason = compare_array(logits, expected, np.dtype(np.float32), tolerance)
        return Check(passed=not reason, reason=reason, error=error, tolerance=tolerance)

    def work(self, case: Any) -> None:
        return None

    def process_tolerance(self, case: Any) -> float:
        return TOLERANCE / 10


def accuracies(problem: Problem, call: TrainedNetwork) -> Mapping[str, float]:
    """Return TOP1, TOP1_HELD_OUT and WEIGHT_BYTES by name; the call itself computes the accuracies, batch by batch."""
    splits = image_data.load(problem.case.dataset)
    return {
        TOP1.name: _accuracy(problem, call, splits.test),
        TOP1_HELD_OUT.name: _accuracy(problem, call, splits.held_out),
        WEIGHT_BYTES.name: float(call.weight_bytes),
    }


def _accuracy(problem: Problem, call: Call, part: LabelledImages) -> float:
    """Return the share of images whose largest logit is that of their class; the last batch is filled up."""
    x = problem.inputs["x"]
    batch, right = len(x), 0
    images: Array = image_data.normalise(problem.case.dataset, part.images)
    for start in range(0, len(part.labels), batch):
        labels = part.labels[start : start + batch]
        problem.refill(Problem(problem.case, {"x": np.resize(images[start : start + batch], tuple(x.shape))}, {}))
        logits = as_arrays(call())[0]
        right += int((logits[: len(labels)].argmax(axis=1) == labels).sum())
    return right / len(part.labels)
