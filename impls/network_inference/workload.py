"""Inference: the logits of one network with given weights, for a batch of images."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bench.core.case import MAX_SIZE, Case
from bench.core.layers import InputSize
from bench.core.record import Work
from bench.core.workload import Array, Pick, Problem
from bench.measure.operator_workload import OperatorWorkload
from bench.measure.outputs import Output
from impls.trained_networks.tolerance import TOLERANCE, logits_tolerance

NETWORKS = (
    "basic_net",
    "densenet40",
    "mobilenet",
    "resnet8",
    "resnet18_cifar",
    "resnet20",
    "resnet34",
    "resnet50_cifar",
    "resnet56",
    "vgg16",
    "vgg19",
    "wrn_40_2",
)
"""The networks that have blocks: the names of ``impls.networks.catalogue``, which takes long to import."""
TORCHVISION_NETWORKS = (
    "resnet18",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2_x0_5",
    "efficientnet_b0",
    "densenet121",
    "regnet_y_400mf",
)
"""Light networks of torchvision's."""
FEWEST_MACS_DIVISOR = 9
"""The fastest algorithm known, Winograd's F(6, 5), multiplies a third as often in each dimension of an image."""


class NetworkInferenceCase(Case):
    """A network, and a batch of images."""

    network: str = Field(
        default="resnet8",
        description="name in impls/networks, torchvision:NAME, or module:function or FILE.onnx of your own",
    )
    width_mult: float = Field(default=1.0, gt=0, le=4, description="multiplies the channels of all layers")
    block: Literal["standard", "dw_pw", "dw_gpw", "dw_scc", "grouped"] = Field(
        default="standard", description="what the 3x3 convolutions are; see the page on networks"
    )
    cg: int = Field(default=1, ge=1, description="channel groups of dw_gpw and dw_scc")
    co: float = Field(
        default=0.0, ge=0, lt=1, description="overlap of neighbouring windows of dw_scc, as a fraction of a window"
    )
    groups: int = Field(default=1, ge=0, description="groups of block grouped; 0: as many as channels")
    channels: int = Field(default=3, ge=1, le=MAX_SIZE, description="channels of an image")
    size: tuple[int, int] = Field(default=(32, 32), description="height and width of an image")
    batch: int = Field(default=1, ge=1, le=MAX_SIZE, description="images in a call")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.is_onnx_file and "," in self.network:
            raise ValueError(f"{self.network}: a comma would end the name; rename the file")
        if ":" in self.network or self.is_onnx_file:
            if self.block != "standard" or self.width_mult != 1:
                raise ValueError(f"{self.network} has no block and no width_mult to choose")
        elif self.network not in NETWORKS:
            raise ValueError(
                f"no network {self.network!r}; choose from {', '.join(NETWORKS)}, torchvision:NAME, "
                "module:function or FILE.onnx"
            )
        if self.cg != 1 and self.block not in ("dw_gpw", "dw_scc"):
            raise ValueError(f"block={self.block} has no channel groups, so cg cannot be {self.cg}")
        if self.co and self.block != "dw_scc":
            raise ValueError(f"block={self.block} has no overlap, so co cannot be {self.co:g}")
        if self.groups != 1 and self.block != "grouped":
            raise ValueError(f"block={self.block} has no groups, so groups cannot be {self.groups}")
        if not all(1 <= length <= MAX_SIZE for length in self.size):
            raise ValueError(f"size must be from 1 to {MAX_SIZE}")
        return self

    @property
    def is_onnx_file(self) -> bool:
        """Whether the network is an ONNX file of the user's."""
        return self.network.lower().endswith(".onnx")

    @property
    def block_text(self) -> str:
        """The block in the words of ``impls.networks.block.parse_block``."""
        settings = {
            "dw_gpw": f"(cg={self.cg})",
            "dw_scc": f"(cg={self.cg},co={self.co:g})",
            "grouped": f"(groups={self.groups or 'N'})",
        }
        return self.block + settings.get(self.block, "")


class NetworkInference(OperatorWorkload):
    """The logits of a network in evaluation mode.

    Input: ``x`` (batch, channels, height, width) float32, standard normal. Constants: all parameters and running
    statistics of the network by name, the same for every seed. Output: logits (batch, classes), float32.

    Weights are drawn as PyTorch initialises them, and the running statistics are those of a batch of random images, so
    that activations keep their range from layer to layer as in a trained network. The weights of a network of the
    user's own stay as they are. The reference of an ONNX file is ONNX's own evaluator. ``logits_tolerance`` says which
    errors pass.
    """

    title = "Network inference"
    case_type = NetworkInferenceCase
    baseline = "pytorch"
    uses_artifacts = True

    def suites(self) -> Mapping[str, Sequence[NetworkInferenceCase]]:
        suites = {
            "first": [NetworkInferenceCase()],
            "quick": [NetworkInferenceCase(), _SLIDING, _GROUPED],
            "small": _small(),
            "gspc": _gspc(),
            "dsxplore": _dsxplore(),
            "torchvision": _torchvision(),
        }
        return suites | {"full": list(dict.fromkeys(case for cases in suites.values() for case in cases))}

    def model_case(self, model: str, inputs: tuple[InputSize, ...]) -> NetworkInferenceCase:
        from impls.network_inference._network import own_case  # not at the top, since every command imports this file

        return own_case(model, inputs)

    def problem(self, case: NetworkInferenceCase, seed: int) -> Problem:
        from impls.network_inference._network import weights

        return Problem(case, {"x": _images(case, seed)}, weights(case))

    def refill(self, problem: Problem, seed: int) -> None:
        """Draw new images only, not new weights."""
        problem.refill(Problem(problem.case, {"x": _images(problem.case, seed)}, {}))

    def reference(self, problem: Problem) -> Array:
        from impls.network_inference._network import reference_logits

        return reference_logits(problem)

    def tolerance(self, case: NetworkInferenceCase) -> float:
        return TOLERANCE

    def tolerance_for_inputs(self, problem: Problem, reference: Output) -> float:
        from impls.network_inference._network import reference_logits

        assert isinstance(reference, np.ndarray)  # as the method above returns one
        return logits_tolerance(reference_logits(problem, rounded=True), reference)

    def work(self, case: NetworkInferenceCase) -> Work | None:
        """Count the MACs of convolutions and matrix products; None where a layer has no rule."""
        from impls.network_inference._network import count

        counts = count(case)
        if counts is None:
            return None
        return Work(
            macs=counts.macs,
            fewest_macs=counts.macs // FEWEST_MACS_DIVISOR,
            least_bytes=4 * (case.batch * case.channels * case.size[0] * case.size[1] + counts.parameters),
            parameters=counts.parameters,
            itemsize=4,
        )

    def random_case(self, pick: Pick[Any]) -> NetworkInferenceCase:
        """Return one of a few small cases, since some deployments take long to build."""
        sliding: dict[str, Any] = {"block": "dw_scc", "cg": 2, "co": 0.5}
        return NetworkInferenceCase(width_mult=0.5, size=(9, 8), batch=pick([1, 3]), **pick([{}, sliding]))


def _images(case: NetworkInferenceCase, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((case.batch, case.channels, *case.size), np.float32)


_BLOCKS: tuple[dict[str, Any], ...] = (
    {},
    {"block": "dw_pw"},
    {"block": "dw_gpw", "cg": 2},
    {"block": "dw_scc", "cg": 2, "co": 0.5},
)


_SLIDING = NetworkInferenceCase(network="mobilenet", width_mult=0.25, **_BLOCKS[3])
_GROUPED = NetworkInferenceCase(network="resnet20", block="grouped", groups=8)


def _small() -> list[NetworkInferenceCase]:
    """Return small networks: for a batch, with each kind of block, and one of torchvision's."""
    return [
        NetworkInferenceCase(),
        NetworkInferenceCase(batch=8),
        NetworkInferenceCase(network="mobilenet", width_mult=0.25, **_BLOCKS[1]),
        _SLIDING,
        _GROUPED,
        NetworkInferenceCase(network="torchvision:shufflenet_v2_x0_5", size=(64, 64)),
    ]


def _gspc() -> list[NetworkInferenceCase]:
    """Return the networks of arXiv 2006.09791 with G = 1 (the network itself), 2, 4, 8, 16 and N."""
    grouped: list[dict[str, Any]] = [{"block": "grouped", "groups": groups} for groups in (2, 4, 8, 16, 0)]
    networks: list[dict[str, Any]] = [{"network": "resnet34", "size": (224, 224)}, {"network": "wrn_40_2"}]
    return [NetworkInferenceCase(**network, **block) for network, block in product(networks, [{}, *grouped])]


def _dsxplore() -> list[NetworkInferenceCase]:
    """Return the networks of arXiv 2101.00745, for a single image and for eight."""
    names = ("vgg16", "vgg19", "mobilenet", "resnet18_cifar", "resnet50_cifar")
    return [
        NetworkInferenceCase(network=name, batch=batch, **block)
        for name, block, batch in product(names, _BLOCKS, (1, 8))
    ]


def _torchvision() -> list[NetworkInferenceCase]:
    return [
        NetworkInferenceCase(network=f"torchvision:{name}", size=(224, 224), batch=batch)
        for name, batch in product(TORCHVISION_NETWORKS, (1, 8))
    ]
