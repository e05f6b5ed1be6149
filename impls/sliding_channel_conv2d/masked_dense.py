"""A dense pointwise convolution with zeros in its weight."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._passes import prepare_passes
from impls.sliding_channel_conv2d.layer.backends import BACKENDS


class MaskedDense(Implementation):
    """PyTorch's dense pointwise convolution, its weight zero outside the windows; eager."""

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = (
        "cg times the arithmetic, at the speed of dense products; only the dense weight (cout x cin) is made: "
        "untimed where weights are constant (forward), timed in train."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_passes(problem, target, BACKENDS["masked_dense"])
