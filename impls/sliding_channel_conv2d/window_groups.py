"""The paper's composition by channel cycle: a copy of each distinct window."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._compiled import prepare_compiled
from impls.sliding_channel_conv2d._passes import prepare_passes
from impls.sliding_channel_conv2d.layer.backends import BACKENDS
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class WindowGroups(Implementation):
    """Each of the N distinct windows copied once, a convolution with groups = N, outputs put in order; eager."""

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = (
        "Copies N * cin / cg channels at each forward pass, kept for the backward one (prepared memory of the backward "
        "cases), and the output once more. Weights are reordered untimed in forward cases, timed in train."
    )
    compiled = False
    variants = {
        "window_groups": {},
        "window_groups_compiled": {
            "compiled": True,
            "targets": ("cuda",),
            "summary": "Each distinct window copied once, a convolution with groups, outputs put in order; compiled.",
            "note": "As window_groups, under torch.compile (static shapes), compiled untimed.",
        },
    }

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return case.windows.unsupported_as_groups()

    def prepare(self, problem: Problem, target: Target) -> Call:
        if self.compiled:
            return prepare_compiled(problem, target, BACKENDS["window_groups"])
        return prepare_passes(problem, target, BACKENDS["window_groups"])
