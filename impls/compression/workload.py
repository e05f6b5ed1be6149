"""Compression: a trained network is made smaller by each method, and compared at equal cost."""

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

SEEDS_PER_STAGE = 10_000
"""Stages of fine-tuning have seeds of their own, this far apart."""


class CompressionCase(Case):
    """A trained network, how much of it is kept, and the runtime that it is measured on.

    Cases that differ only in ``seed`` are repeats of one experiment; ``runtime`` and ``batch`` affect no weights.
    """

    dataset: str = Field(default="digits", description="name of its card; see featherbench data list")
    network: Literal["basic_net", "resnet8", "resnet20", "resnet56", "vgg16", "densenet40", "mobilenet"] = "resnet8"
    width_mult: float = Field(default=1.0, gt=0, le=4, description="multiplies the channels of all layers")
    keep: float = Field(default=0.5, gt=0, le=1, description="share of the network's MACs to keep at the most")
    round_to: int = Field(
        default=1, ge=1, le=64, description="numbers of channels are rounded up to a multiple of it, at most to all"
    )
    recipe: Literal["paper", "fast", "fast_bfloat16", "smoke"] = Field(
        default="fast", description="settings of the training, and with a lower learning rate of the fine-tuning"
    )
    epochs: int = Field(default=12, ge=1, description="epochs of the training before")
    fine_tuning_epochs: int = Field(default=4, ge=0, description="epochs of the fine-tuning after")
    runtime: RuntimeName = Field(default="pytorch", description="what computes the network: a name in impls/runtimes")
    batch: int = Field(default=1, ge=1, le=MAX_SIZE, description="images in a call")
    seed: int = Field(
        default=0, ge=0, lt=SEEDS_PER_STAGE, description="seeds weights, the order of images, augmentation, and methods"
    )


class Compression(TrainedNetworkWorkload):
    """Logits of images, from a trained network that a method has made smaller: see ``TrainedNetworkWorkload``.

    Methods begin with the same network, an artifact of its own, unless they are about another training. The baseline is
    that network, uncompressed, in the same session; MACs, size and latency are compared with it.
    """

    title = "Compression"
    case_type = CompressionCase
    baseline = "uncompressed"
    seed_parameter = "seed"
    metrics = (
        TOP1,
        TOP1_HELD_OUT,
        Metric(
            "top1_held_out_before",
            "top-1 accuracy before fine-tuning, held-out images",
            "Fraction of held-out images classified correctly right after the last compression step, before the "
            "training that follows it.",
            is_fraction=True,
            higher_is_better=True,
        ),
        Metric(
            "macs_left",
            "MACs left",
            "MACs of the compressed network, divided by those of the uncompressed one.",
            is_fraction=True,
        ),
        WEIGHT_BYTES,
        Metric("compress_s", "time to compress", "Time to choose and remove, without any fine-tuning.", unit="s"),
        Metric(
            "train_s",
            "training time after compressing",
            "Time of all steps, of fine-tuning or from new weights, on one core; other jobs may have run meanwhile.",
            unit="s",
        ),
    )

    def suites(self) -> Mapping[str, Sequence[CompressionCase]]:
        digits: dict[str, Any] = {"recipe": "smoke", "epochs": 6, "fine_tuning_epochs": 4}
        suites = {
            "first": [CompressionCase(**digits)],
            "quick": [CompressionCase(**digits), CompressionCase(**digits, network="basic_net", width_mult=0.25)],
            "cifar10_resnet20": _cifar10("resnet20", 1.0, (0.7, 0.5, 0.3)),
            "cifar10_vgg16": _cifar10("vgg16", 0.25, (0.5,)),
            "cifar10_densenet40": _cifar10("densenet40", 1.0, (0.5,))[:1],
        }
        return suites | {"full": list(dict.fromkeys(case for cases in suites.values() for case in cases))}

    def evaluate(self, problem: Problem, call: Call) -> Check:
        """Compute the accuracies by the call itself, batch after batch, and state how the network was compressed."""
        assert isinstance(call, TrainedNetwork), "check() refuses others"
        history = call.history
        metrics = {**accuracies(problem, call), "macs_left": 1.0}
        if "macs_left" in history:  # not of the uncompressed network
            metrics |= {name: history[name][0] for name in ("top1_held_out_before", "macs_left", "compress_s")}
            metrics["train_s"] = sum(history["seconds"])
        curves = {"top1_held_out": list(history["held_out_accuracy"])}
        return Check(passed=True, metrics=metrics, curves=curves)

    def random_case(self, pick: Pick[Any]) -> CompressionCase:
        """Draw a case of one of two networks, as each training takes seconds, and all else at random."""
        return CompressionCase(
            network=pick(["resnet8", "basic_net"]),
            width_mult=0.5,
            keep=0.6,
            recipe="smoke",
            epochs=1,
            fine_tuning_epochs=pick([0, 1]),
            runtime=pick(["pytorch", "pytorch_channels_last", "native", "onnxruntime", "openvino"]),
            batch=pick([1, 3]),
        )


def _cifar10(network: str, width_mult: float, shares: Sequence[float]) -> list[CompressionCase]:
    """Return cases with CIFAR-10, tested on the part of the test images that is at hand, for three seeds each."""
    parameters: dict[str, Any] = {"dataset": "cifar10_test1000", "network": network, "width_mult": width_mult}
    return [CompressionCase(**parameters, keep=share, seed=seed) for seed in range(3) for share in shares]
