"""The paper's first composition under torch.compile."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._compiled import prepare_compiled
from impls.sliding_channel_conv2d.layer.backends import BACKENDS


class WindowCopiesCompiled(Implementation):
    """Every filter's window copied, then a convolution with groups = cout, under torch.compile (static shapes)."""

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    targets = ("cuda",)
    note = (
        "As window_copies, compiled untimed: the compiler may fuse the copies into what follows them, where that is a "
        "kernel of its own and not of cuDNN."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_compiled(problem, target, BACKENDS["window_copies"])
