"""Image classification: networks whose blocks differ are trained on the same images, and compared."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from bench.core.case import MAX_SIZE, Case
from bench.core.record import Check
from bench.core.workload import Array, Call, Metric, Pick, Problem, Workload
from bench.measure.correctness import compare_array, worse
from bench.measure.outputs import as_arrays
from impls.image_classification._trained_network import TrainedNetwork
from impls.runtimes.catalogue import RUNTIMES
from impls.trained_networks import image_data
from impls.trained_networks.formats import LabelledImages

TOLERANCE = 1e-4
"""The largest error of logits that passes (see ``relative_error``): float32 sums through tens of layers."""


class ImageClassificationCase(Case):
    """One training of one network, and the runtime that it is measured on.

    Cases that differ only in ``seed`` are repeats of one experiment; ``runtime`` and ``batch`` do not affect training.
    """

    dataset: str = Field(default="digits", description="name of its card; see featherbench data list")
    network: Literal["mobilenet", "resnet8", "resnet20", "resnet56", "resnet18_cifar", "resnet50_cifar", "vgg16"] = (
        "resnet8"
    )
    width_mult: float = Field(default=1.0, gt=0, le=4, description="multiplies the channels of all layers")
    recipe: Literal["paper", "fast", "fast_bfloat16", "smoke"] = Field(
        default="fast", description="settings of the training"
    )
    epochs: int = Field(default=12, ge=1, description="passes over the training images")
    runtime: str = Field(default="pytorch", description="what computes the network: a name in impls/runtimes")
    batch: int = Field(default=1, ge=1, le=MAX_SIZE, description="images in a call")
    seed: int = Field(default=0, ge=0, description="seeds the initial weights, the order of images and augmentation")

    @field_validator("runtime")
    @classmethod
    def _check_runtime(cls, runtime: str) -> str:
        if runtime not in RUNTIMES:
            raise ValueError(f"no runtime {runtime!r}; choose from {', '.join(RUNTIMES)}")
        return runtime


class ImageClassification(Workload):
    """Logits of images, from a network trained on others.

    Input: ``x`` (batch, channels, height, width), float32, normalised held-out images. There are no constants:
    weights are an artifact (``bench.core.artifact``), made by ``featherbench build`` or before the case is measured.
    Output: logits (batch, classes), float32.

    ``prepare`` returns a ``TrainedNetwork``. The check compares its logits with those of the same network in float64
    with the artifact's weights. The evaluation then computes its accuracy by the call itself, on all test images and on
    the images that were held out from training.
    """

    title = "Image classification"
    case_type = ImageClassificationCase
    baseline = "dw_pw"
    seed_parameter = "seed"
    uses_artifacts = True
    evaluates = True
    metrics = (
        Metric(
            "top1",
            "top-1 accuracy",
            "Fraction of test images classified correctly by the network of the last epoch.",
            is_fraction=True,
            higher_is_better=True,
        ),
        Metric(
            "top1_held_out",
            "top-1 accuracy, held-out images",
            "The same on training images that were held out. Where the test set is small, it is the steadier figure.",
            is_fraction=True,
            higher_is_better=True,
        ),
        Metric("train_loss", "training loss", "Mean cross-entropy of the last epoch's steps, as trained on."),
        Metric("weight_bytes", "size of the weights", "All parameters and running statistics.", unit="bytes"),
        Metric(
            "train_s",
            "training time",
            "Time of all steps, without evaluations, on one core; other jobs may have run at the same time.",
            unit="s",
        ),
        Metric(
            "images_per_s",
            "training throughput",
            "Images trained on, divided by the training time.",
            unit="images/s",
        ),
    )

    def suites(self) -> Mapping[str, Sequence[ImageClassificationCase]]:
        digits: dict[str, Any] = {"dataset": "digits", "network": "resnet8", "recipe": "smoke", "epochs": 6}
        suites = {
            "first": [ImageClassificationCase(**digits)],
            "quick": [ImageClassificationCase(**digits, seed=seed) for seed in range(2)],
            "cifar10_mobilenet025": _cifar10("mobilenet", 0.25, range(5)),
            "cifar10_mobilenet05": _cifar10("mobilenet", 0.5, range(3)),
            "cifar10_resnet20": _cifar10("resnet20", 1.0, range(3)),
        }
        return suites | {"full": list(dict.fromkeys(case for cases in suites.values() for case in cases))}

    def missing(self, case: ImageClassificationCase) -> str | None:
        return image_data.missing(case.dataset)

    def problem(self, case: ImageClassificationCase, seed: int) -> Problem:
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
        error, reason = compare_array(logits, expected, np.dtype(np.float32), TOLERANCE)
        return Check(passed=not reason, reason=reason, error=error, tolerance=TOLERANCE)

    def evaluate(self, problem: Problem, call: Call) -> Check:
        """Compute the accuracies by the call itself, batch after batch, and state how the network was trained."""
        assert isinstance(call, TrainedNetwork), "check() refuses others"
        case: ImageClassificationCase = problem.case
        splits = image_data.load(case.dataset)
        history = call.history
        metrics = {
            "top1": _accuracy(problem, call, splits.test),
            "top1_held_out": _accuracy(problem, call, splits.held_out),
            "train_loss": history["train_loss"][-1],
            "weight_bytes": float(call.weight_bytes),
            "train_s": sum(history["seconds"]),
            "images_per_s": sum(history["images"]) / sum(history["seconds"]),
        }
        curves = {"top1_held_out": list(history["held_out_accuracy"]), "train_loss": list(history["train_loss"])}
        return Check(passed=True, metrics=metrics, curves=curves)

    def work(self, case: ImageClassificationCase) -> None:
        return None

    def process_tolerance(self, case: ImageClassificationCase) -> float:
        return TOLERANCE / 10

    def random_case(self, pick: Pick[Any]) -> ImageClassificationCase:
        """Draw one of four trainings, as each takes seconds, and all else at random."""
        return ImageClassificationCase(
            network=pick(["resnet8", "resnet20"]),
            width_mult=pick([0.5, 1.0]),
            recipe="smoke",
            epochs=1,
            runtime=pick(["pytorch", "pytorch_channels_last", "native", "onnxruntime", "openvino"]),
            batch=pick([1, 3]),
        )


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


def _cifar10(network: str, width_mult: float, seeds: range) -> list[ImageClassificationCase]:
    """Return trainings on all training images of CIFAR-10, tested on the part of the test images that is at hand."""
    parameters: dict[str, Any] = {"dataset": "cifar10_test1000", "network": network, "width_mult": width_mult}
    return [ImageClassificationCase(**parameters, seed=seed) for seed in seeds]
