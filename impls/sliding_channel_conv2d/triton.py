"""The tiles of the project's CUDA kernels, written in Triton."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._kernels import SeparateGradients, prepare_kernels
from impls.sliding_channel_conv2d.cuda.formats import FORMATS
from impls.sliding_channel_conv2d.cuda.triton_kernels import TritonConvolution
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class Triton(Implementation):
    """The tiles of native_cuda in Triton, autotuned for each shape."""

    workload = "sliding_channel_conv2d"
    requires = ("torch", "triton")
    targets = ("cuda",)
    note = (
        "Tuned untimed over sizes of tiles, warps and stages. Weights are scattered into tiles untimed in forward "
        "cases, timed in backward and train; partial sums of dW are added up, and reordered, by PyTorch."
    )

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        return None if case.dtype in FORMATS else f"the kernels take {', '.join(FORMATS)}"

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: SlidingChannelConv2dCase = problem.case
        kernels = TritonConvolution(case.windows, FORMATS[case.dtype])
        return prepare_kernels(problem, SeparateGradients(kernels))
