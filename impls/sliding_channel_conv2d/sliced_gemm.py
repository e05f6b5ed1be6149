"""Matrix products on slices, with no copies."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._compiled import prepare_compiled
from impls.sliding_channel_conv2d._passes import prepare_passes
from impls.sliding_channel_conv2d.layer.backends import BACKENDS


class SlicedGemm(Implementation):
    """One matrix product for each distinct window, on slices of the input, into strided rows of the output; eager."""

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = (
        "Makes only the outputs, and no second pass over the output except for a bias, for windows that wrap around, "
        "and where a window's filters are unevenly spaced. A gradient of its own, on the same slices."
    )
    compiled = False
    variants = {
        "sliced_gemm": {},
        "sliced_gemm_compiled": {
            "compiled": True,
            "targets": ("cuda",),
            "summary": "A product for each distinct window, on slices of the input, put in order; under torch.compile "
            "(static shapes).",
            "note": "Compiled, untimed, from ordinary operators: products on slices, joined and reordered in a pass "
            "over the output. Its gradients are the compiler's, of those operators.",
        },
    }

    def prepare(self, problem: Problem, target: Target) -> Call:
        if self.compiled:
            return prepare_compiled(problem, target, BACKENDS["sliced_gemm"])
        return prepare_passes(problem, target, BACKENDS["sliced_gemm"])
