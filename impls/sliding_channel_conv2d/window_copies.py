"""The paper's first composition: a copy of the window for every filter."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
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

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_passes(problem, target, BACKENDS["window_copies"])
