"""A dense pointwise convolution with zeros in its weight."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._compiled import prepare_compiled
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
    channels_last = False
    compiled = False
    variants = {
        "masked_dense": {},
        "masked_dense_channels_last": {
            "channels_last": True,
            "targets": ("cuda",),
            "summary": "A dense pointwise convolution, its weight zero outside the windows, on NHWC (channels-last) "
            "tensors; eager.",
            "note": "As masked_dense, with x and dy stored as NHWC, and so the outputs: the order that tensor cores "
            "like best.",
        },
        "masked_dense_compiled": {
            "compiled": True,
            "targets": ("cuda",),
            "summary": "A dense pointwise convolution, its weight zero outside the windows, under torch.compile "
            "(static shapes).",
            "note": "As masked_dense, compiled untimed: the compiler may fuse what surrounds the convolution, such as "
            "scattering the weight into the dense one, which train cases time.",
        },
    }

    def prepare(self, problem: Problem, target: Target) -> Call:
        if self.compiled:
            return prepare_compiled(problem, target, BACKENDS["masked_dense"])
        return prepare_passes(problem, target, BACKENDS["masked_dense"], channels_last=self.channels_last)
