"""The paper's composition by channel cycle under torch.compile."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._compiled import prepare_compiled
from impls.sliding_channel_conv2d.layer.backends import BACKENDS
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class WindowGroupsCompiled(Implementation):
    """Each distinct window copied once, a convolution with groups, outputs put in order; compiled."""

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    targets = ("cuda",)
    note = "As window_groups, under torch.compile (static shapes), compiled untimed."

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return case.windows.unsupported_as_groups()

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_compiled(problem, target, BACKENDS["window_groups"])
