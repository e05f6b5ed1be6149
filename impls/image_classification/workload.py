"""Image classification: networks whose blocks differ are trained on the same images, and compared."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from bench.core.case import MAX_SIZE, Case
from bench.core.record import Check
from bench.core.workload import Call, Metric, Pick, Problem
from impls.trained_networks.network_workload import (
    TOP1,
    TOP1_HELD_OUT,
    WEIGHT_BYTES,
    RuntimeName,
    TrainedNetworkWorkload,
    accuracies,
)
from impls.trained_networks.trained_network import TrainedNetwork


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
    runtime: RuntimeName = Field(default="pytorch", description="what computes the network: a name in impls/runtimes")
    batch: int = Field(default=1, ge=1, le=MAX_SIZE, description="images in a call")
    seed: int = Field(default=0, ge=0, description="seeds the initial weights, the order of images and augmentation")


class ImageClassification(TrainedNetworkWorkload):
    """Logits of images, from a network trained on others: see ``TrainedNetworkWorkload``.

    The evaluation computes the network's accuracy by the call itself, on all test images and on the images that were
    held out from training.
    """

    title = "Image classification"
    case_type = ImageClassificationCase
    baseline = "dw_pw"
    seed_parameter = "seed"
    metrics = (
        TOP1,
        TOP1_HELD_OUT,
        Metric("train_loss", "training loss", "Mean cross-entropy of the last epoch's steps, as trained on."),
        WEIGHT_BYTES,
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
            "cifar10_mobilenet025": _with_seeds(5, **_CIFAR10, **_MOBILENET_025),
            "cifar10_mobilenet025_batch32": _with_seeds(5, **_CIFAR10, **_MOBILENET_025, batch=32),
            "cifar10_mobilenet025_epochs36": _with_seeds(3, **_CIFAR10, **_MOBILENET_025, epochs=36),
            "cifar10_mobilenet05": _with_seeds(3, **_CIFAR10, network="mobilenet", width_mult=0.5),
            "cifar10_resnet20": _with_seeds(3, **_CIFAR10, network="resnet20"),
            "fashion_mnist_mobilenet025": _with_seeds(3, dataset="fashion_mnist", **_MOBILENET_025),
        }
        return suites | {"full": list(dict.fromkeys(case for cases in suites.values() for case in cases))}

    def evaluate(self, problem: Problem, call: Call) -> Check:
        """Compute the accuracies by the call itself, batch after batch, and state how the network was trained."""
        assert isinstance(call, TrainedNetwork), "check() refuses others"
        history = call.history
        metrics = {
            **accuracies(problem, call),
            "train_loss": history["train_loss"][-1],
            "train_s": sum(history["seconds"]),
            "images_per_s": sum(history["images"]) / sum(history["seconds"]),
        }
        curves = {"top1_held_out": list(history["held_out_accuracy"]), "train_loss": list(history["train_loss"])}
        return Check(passed=True, metrics=metrics, curves=curves)

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


_CIFAR10: Mapping[str, Any] = {"dataset": "cifar10_test1000"}
"""All training images of CIFAR-10; tested on the 1,000 test images that are available."""
_MOBILENET_025: Mapping[str, Any] = {"network": "mobilenet", "width_mult": 0.25}


def _with_seeds(count: int, **parameters: Any) -> list[ImageClassificationCase]:
    return [ImageClassificationCase(**parameters, seed=seed) for seed in range(count)]
