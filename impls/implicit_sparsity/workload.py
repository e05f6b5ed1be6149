"""Implicit sparsity: filters that become inactive by themselves while a network is trained (arXiv 1811.12495)."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field

from bench.core.case import Case
from bench.core.record import Check
from bench.core.workload import Call, Metric, Pick, Problem
from impls.implicit_sparsity._sparsity import ACTIVATION_THRESHOLD, SCALE_THRESHOLD, SELECTIVE_FRACTION, summarise
from impls.trained_networks.network_workload import TOP1, TOP1_HELD_OUT, TrainedNetworkWorkload, accuracies
from impls.trained_networks.trained_network import TrainedNetwork

Decay = Literal["l2", "decoupled"]
SELECTIVE = f"responds with {SELECTIVE_FRACTION:g} of its largest response or less"


class ImplicitSparsityCase(Case):
    """One training of BasicNet. Cases that differ only in ``seed`` are repeats of one experiment.

    The learning rate belongs to the optimiser and stays constant. Images are not augmented, so that the images trained
    on are those on which features are active or not. All parameters are regularised.
    """

    runtime: ClassVar[str] = "pytorch"
    batch: ClassVar[int] = 1
    """Images in a call."""

    dataset: str = Field(default="digits", description="name of its card; see featherbench data list")
    width_mult: float = Field(default=0.25, gt=0, le=4, description="multiplies the channels of BasicNet")
    decay: Decay = Field(
        default="l2",
        description="l2: strength times the parameter is added to its gradient; "
        "decoupled: each parameter is multiplied by 1 - strength after each step",
    )
    strength: float = Field(default=0.01, ge=0, lt=1, description="of the regularisation; 0: none")
    batch_size: int = Field(default=32, ge=1, description="images in a step of the training")
    epochs: int = Field(default=4, ge=1, description="passes over the training images")
    seed: int = Field(default=0, ge=0, description="seeds the initial weights and the order of images")


STRENGTHS: dict[Decay, tuple[float, ...]] = {"l2": (0.0, 0.001, 0.003, 0.01), "decoupled": (0.0, 0.0001, 0.0003, 0.001)}
"""They differ, as decoupled decay is not multiplied by the learning rate. With 0.01 of it, Adam hardly learns."""
SEEDS = range(3)
CONTRASTS: tuple[dict[str, Any], ...] = (
    {},
    {"dataset": "fashion_mnist"},
    {"batch_size": 64},
    {"batch_size": 256},
    {"width_mult": 0.125},
    {"width_mult": 0.5},
)
"""An easier task, other batches and other networks than those of the first, which is of the suite ``cifar10`` too."""


class ImplicitSparsity(TrainedNetworkWorkload):
    """Logits of images, from a network that an optimiser may have left with inactive filters.

    See ``TrainedNetworkWorkload``. The evaluation computes accuracies by the call itself, and sparsity and selectivity
    from the activations of the artifact's network, in evaluation mode, on all images that it was trained on. A feature
    is a channel after the ReLU that follows each convolution. Networks stay dense.
    """

    title = "Implicit filter sparsity"
    remark = (
        "Sparsity is no merit by itself: a network without active filters recognises nothing, so read it beside the "
        "accuracy. The networks that are timed are dense: inactive filters are computed like all others."
    )
    case_type = ImplicitSparsityCase
    baseline = "sgd"
    seed_parameter = "seed"
    metrics = (
        TOP1,
        TOP1_HELD_OUT,
        Metric(
            "sparsity",
            "share of inactive features",
            f"Fraction of features whose largest activation is below {ACTIVATION_THRESHOLD:g} on every training image.",
            is_fraction=True,
        ),
        Metric(
            "sparsity_by_scale",
            "share of features inactive by scale",
            f"Fraction of features whose scale in batch norm is below {SCALE_THRESHOLD:g} in magnitude.",
            is_fraction=True,
        ),
        Metric(
            "selectivity",
            "selectivity",
            f"Fraction of training images on which a feature {SELECTIVE}: the mean over all active features.",
            is_fraction=True,
        ),
        Metric(
            "selectivity_rise",
            "rise of selectivity",
            "Selectivity of the active features of the last three convolutions less that of the first three.",
            is_fraction=True,
        ),
        Metric("train_loss", "training loss", "Mean cross-entropy of the last epoch's steps, without regularisation."),
        Metric(
            "train_s",
            "training time",
            "Time of all steps, without evaluations, on one core; other jobs may have run at the same time.",
            unit="s",
        ),
        Metric(
            "sparsity_by_layer",
            "share of inactive features",
            "Fraction of each convolution's features that are inactive.",
            is_fraction=True,
            along="layer",
        ),
        Metric(
            "sparsity_by_scale_by_layer",
            "share of features inactive by scale",
            "Fraction of each convolution's features that are inactive by scale.",
            is_fraction=True,
            along="layer",
        ),
        Metric(
            "selectivity_by_layer",
            "selectivity",
            "Mean over each convolution's active features; none where all are inactive.",
            is_fraction=True,
            along="layer",
        ),
        Metric("universality_by_layer", "universality", "1 less selectivity.", is_fraction=True, along="layer"),
    )

    def suites(self) -> Mapping[str, Sequence[ImplicitSparsityCase]]:
        tiny = ImplicitSparsityCase(width_mult=0.125, epochs=2)
        suites = {
            "first": [tiny],
            "quick": [tiny, tiny.model_copy(update={"decay": "decoupled", "strength": 0.001})],
            "cifar10": [
                _cifar10(decay=decay, strength=strength, seed=seed)
                for decay, strengths in STRENGTHS.items()
                for strength, seed in product(strengths, SEEDS)
            ],
            "contrasts": [_cifar10(**contrast, seed=seed) for contrast, seed in product(CONTRASTS, SEEDS)],
        }
        return suites | {"full": list(dict.fromkeys(case for cases in suites.values() for case in cases))}

    def evaluate(self, problem: Problem, call: Call) -> Check:
        """Compute accuracies by the call itself, and sparsity and selectivity on the training images."""
        from impls.implicit_sparsity._activations import layers_on_training_images  # not at the top: imports PyTorch

        assert isinstance(call, TrainedNetwork), "check() refuses others"
        summary = summarise(layers_on_training_images(call.artifact.load_network(), problem.case.dataset))
        history = call.history
        metrics = {
            **summary.metrics,
            **accuracies(problem, call),
            "train_loss": history["train_loss"][-1],
            "train_s": sum(history["seconds"]),
        }
        curves = {"top1_held_out": list(history["held_out_accuracy"]), "train_loss": list(history["train_loss"])}
        return Check(passed=True, metrics=metrics, curves=curves | summary.curves)

    def random_case(self, pick: Pick[Any]) -> ImplicitSparsityCase:
        """Draw one of two trainings for each decay, as each takes seconds."""
        return ImplicitSparsityCase(
            width_mult=0.125, decay=pick(get_args(Decay)), strength=pick([0.0, 0.01]), batch_size=128, epochs=1
        )


def _cifar10(**parameters: Any) -> ImplicitSparsityCase:
    """Return a training on all training images of CIFAR-10, unless ``parameters`` name another dataset."""
    parameters = {"dataset": "cifar10_test1000"} | parameters
    return ImplicitSparsityCase(**parameters)
