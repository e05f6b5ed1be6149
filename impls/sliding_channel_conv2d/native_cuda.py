"""The project's own kernels for a GPU, in CUDA C++."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._kernels import SeparateGradients, launcher_for, prepare_kernels
from impls.sliding_channel_conv2d.cuda import compiler
from impls.sliding_channel_conv2d.cuda.convolution import Convolution
from impls.sliding_channel_conv2d.cuda.formats import FORMATS
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


class NativeCuda(Implementation):
    """Featherbench's own CUDA kernels: filters whose windows overlap share a tile, which reads their channels once."""

    workload = "sliding_channel_conv2d"
    requires = ("torch", "cuda-core")
    targets = ("cuda",)
    note = (
        "Launched without autograd. Makes the packed weight and, for dW, partial sums; tables of the layer's windows "
        "stay. Weights are packed untimed in forward cases, timed in backward and train."
    )
    channels_last = False
    variants = {
        "native_cuda": {},
        "native_cuda_channels_last": {
            "channels_last": True,
            "summary": "Featherbench's own CUDA kernels, on NHWC (channels-last) tensors.",
            "note": "As native_cuda, with x and dy stored as NHWC, and so the outputs: the order that tensor cores "
            "like best.",
        },
    }

    def unsupported(self, case: SlidingChannelConv2dCase) -> str | None:
        if case.dtype not in FORMATS:
            return f"the CUDA kernels take {', '.join(FORMATS)}"
        return compiler.unavailable()

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: SlidingChannelConv2dCase = problem.case
        convolution = Convolution(case.windows, FORMATS[case.dtype], launcher_for(problem))
        return prepare_kernels(problem, SeparateGradients(convolution), channels_last=self.channels_last)
