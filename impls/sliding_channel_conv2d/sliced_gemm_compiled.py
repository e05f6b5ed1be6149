"""Matrix products on slices under torch.compile."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._compiled import prepare_compiled
from impls.sliding_channel_conv2d.layer.backends import BACKENDS


class SlicedGemmCompiled(Implementation):
    """A product for each distinct window, on slices of the input, put in order; under torch.compile (static shapes)."""

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    targets = ("cuda",)
    note = (
        "Compiled, untimed, from ordinary operators: products on slices, joined and reordered in a pass over the "
        "output. Its gradients are the compiler's, of those operators."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_compiled(problem, target, BACKENDS["sliced_gemm"])
