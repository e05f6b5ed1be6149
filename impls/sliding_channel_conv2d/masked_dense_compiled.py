"""The dense pointwise convolution under torch.compile."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._compiled import prepare_compiled
from impls.sliding_channel_conv2d.layer.backends import BACKENDS


class MaskedDenseCompiled(Implementation):
    """A dense pointwise convolution, its weight zero outside the windows, under torch.compile (static shapes)."""

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    targets = ("cuda",)
    note = (
        "As masked_dense, compiled untimed: the compiler may fuse what surrounds the convolution, such as scattering "
        "the weight into the dense one, which train cases time."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_compiled(problem, target, BACKENDS["masked_dense"])
