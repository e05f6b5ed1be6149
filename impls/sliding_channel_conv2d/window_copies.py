"""The paper's first composition: a copy of the window for every filter."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._compiled import prepare_compiled
from impls.sliding_channel_conv2d._passes import prepare_passes
from impls.sliding_channel_conv2d.layer.backends import BACKENDS


class WindowCopies(Implementation):
    """Every filter's window copied, then a convolution with groups = cout, as the paper's authors compose it; eager."""

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = (
        "Copies cout * cin / cg channels at each forward pass and keeps them for the backward one: the backward cases "
        "show them as prepared memory."
    )
    compiled = False
    variants = {
        "window_copies": {},
        "window_copies_compiled": {
            "compiled": True,
            "targets": ("cuda",),
            "summary": "Every filter's window copied, then a convolution with groups = cout, under torch.compile "
            "(static shapes).",
            "note": "As window_copies, compiled untimed: the compiler may fuse the copies into what follows them, "
            "where that is a kernel of its own and not of cuDNN.",
        },
    }

    def prepare(self, problem: Problem, target: Target) -> Call:
        if self.compiled:
            return prepare_compiled(problem, target, BACKENDS["window_copies"])
        return prepare_passes(problem, target, BACKENDS["window_copies"])
