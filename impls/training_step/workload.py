"""The loss and the gradients of a network for a batch of images: what a step of training computes."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bench.core.case import MAX_SIZE, Case
from bench.core.record import Work
from bench.core.workload import Array, Pick, Problem
from bench.measure.correctness import norm_error
from bench.measure.operator_workload import OperatorWorkload

CLASSES = 10
TOLERANCE = 0.1
"""Maximum error of the norm of a gradient. Rounding changes the sign of some inputs of ReLUs, and each of these changes
gradients, so PyTorch's own float32 and float64 differ by more than roundings."""


class TrainingStepCase(Case):
    """A network with a block, and a batch of square images of three channels."""

    network: Literal["mobilenet", "resnet8", "resnet20", "resnet56", "resnet18_cifar", "vgg16"] = "mobilenet"
    width_mult: float = Field(default=1.0, gt=0, le=4, description="multiplies the channels of all layers")
    block: Literal["standard", "dw_pw", "dw_gpw", "dw_scc"] = Field(
        default="dw_scc", description="what the 3x3 convolutions are; see the page on networks"
    )
    cg: int = Field(default=1, ge=1, description="channel groups of dw_gpw and dw_scc")
    co: float = Field(
        default=0.0, ge=0, lt=1, description="overlap of neighbouring windows of dw_scc, as a fraction of a window"
    )
    size: int = Field(default=32, ge=1, le=MAX_SIZE, description="height and width of an image")
    batch: int = Field(default=128, ge=1, le=MAX_SIZE, description="images in a call")

    @model_validator(mode="after")
    def _check_block(self) -> Self:
        if self.cg != 1 and self.block not in ("dw_gpw", "dw_scc"):
            raise ValueError(f"block={self.block} has no channel groups, so cg cannot be {self.cg}")
        if self.co and self.block != "dw_scc":
            raise ValueError(f"block={self.block} has no overlap, so co cannot be {self.co:g}")
        return self

    @property
    def block_text(self) -> str:
        """The block in the words of ``impls.networks.block.parse_block``."""
        settings = {"dw_gpw": f"(cg={self.cg})", "dw_scc": f"(cg={self.cg},co={self.co:g})"}
        return self.block + settings.get(self.block, "")


class TrainingStep(OperatorWorkload):
    """The cross-entropy loss of a network in training mode, and its gradients.

    Inputs: ``x`` (batch, 3, size, size) float32, standard normal, and ``labels`` (batch,) int64. Constants: the initial
    parameters by name, the same for every seed. Output: a tuple of float32 arrays, the loss (1,) and the gradients of
    the weights of convolutions and linear layers, in the order of the constants. The gradients of biases and batch
    norms are computed too, but sum so many terms of both signs that only rounding could be compared.

    Neither the optimiser's step nor loading the data is included. Training throughput in images/s is the batch size
    divided by the latency.
    """

    title = "Training step"
    remark = "Training throughput in images/s is the batch size divided by the latency."
    case_type = TrainingStepCase
    baseline = "pytorch"
    sweep = "width_mult"

    def suites(self) -> Mapping[str, Sequence[TrainingStepCase]]:
        small: dict[str, Any] = {"network": "resnet8", "batch": 16}
        suites = {
            "first": [TrainingStepCase(**small, cg=2, co=0.5)],
            "quick": [TrainingStepCase(**small, **block) for block in _BLOCKS],
            "mobilenet05": [TrainingStepCase(width_mult=0.5, **block) for block in _BLOCKS],
            "mobilenet": [TrainingStepCase(width_mult=width, cg=2, co=0.5) for width in (0.25, 0.5, 1)],
            "odd": [
                TrainingStepCase(network="resnet8", size=9, batch=3, cg=4, co=0.25),
                TrainingStepCase(network="resnet8", size=8, batch=2, cg=2, co=0.33),
                TrainingStepCase(network="resnet20", width_mult=1.5, size=11, batch=5, cg=3, co=0.5),
            ],
        }
        return suites | {"full": list(dict.fromkeys(case for cases in suites.values() for case in cases))}

    def problem(self, case: TrainingStepCase, seed: int) -> Problem:
        from impls.training_step._network import create  # not at the top, since every command imports this file

        parameters = create(case).named_parameters()
        return Problem(case, _images(case, seed), {name: parameter.detach().numpy() for name, parameter in parameters})

    def refill(self, problem: Problem, seed: int) -> None:
        """Draw new images only, not new parameters."""
        problem.refill(Problem(problem.case, _images(problem.case, seed), {}))

    def reference(self, problem: Problem) -> tuple[Array, ...]:
        from impls.training_step._network import loss_and_gradients, with_parameters

        network = with_parameters(problem).double()
        arrays = loss_and_gradients(network, problem.inputs["x"], problem.inputs["labels"])
        return tuple(array.numpy() for array in arrays)

    def tolerance(self, case: TrainingStepCase) -> float:
        return TOLERANCE

    def error(self, output: Array, expected: Array) -> float:
        return norm_error(output, expected)

    def work(self, case: TrainingStepCase) -> Work:
        """Count the MACs of the forward pass three times, but those of the first layer twice: x needs no gradient.

        The least bytes are x, and the parameters with their gradients.
        """
        from impls.networks.count import count_parameters
        from impls.training_step._network import count_training_macs, create

        network = create(case)
        parameters = count_parameters(network)
        return Work(
            macs=case.batch * count_training_macs(network, case.size),
            least_bytes=4 * (3 * case.batch * case.size**2 + 2 * parameters),
            parameters=parameters,
            itemsize=4,
        )

    def random_case(self, pick: Pick[Any]) -> TrainingStepCase:
        block = pick(["dw_scc", "dw_pw", "dw_gpw", "standard"])
        cg = pick([2, 4]) if block in ("dw_gpw", "dw_scc") else 1
        return TrainingStepCase(
            network=pick(["resnet8", "resnet20"]),
            width_mult=pick([0.5, 1.0]),
            block=block,
            cg=cg,
            co=pick([0.5, 0.25, 0.33]) if block == "dw_scc" else 0.0,
            size=pick([8, 9, 12]),
            batch=pick([2, 3, 8]),
        )


def _images(case: TrainingStepCase, seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    x = random.standard_normal((case.batch, 3, case.size, case.size), np.float32)
    return {"x": x, "labels": random.integers(CLASSES, size=case.batch)}


_BLOCKS: tuple[dict[str, Any], ...] = (
    {"block": "standard"},
    {"block": "dw_pw"},
    {"block": "dw_gpw", "cg": 2},
    {"cg": 2, "co": 0.5},
    {"cg": 4, "co": 0.5},
)
