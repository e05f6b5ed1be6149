"""The project's own kernels in CUDA C++, as implementations."""

from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._kernels import SeparateGradients, launcher_for, prepare_kernels
from impls.sliding_channel_conv2d.cuda import compiler
from impls.sliding_channel_conv2d.cuda.convolution import Convolution
from impls.sliding_channel_conv2d.cuda.formats import FORMATS
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


def unsupported(case: SlidingChannelConv2dCase) -> str | None:
    """Return why the kernels cannot run the case, or None."""
    if case.dtype not in FORMATS:
        return f"the CUDA kernels take {', '.join(FORMATS)}"
    return compiler.unavailable()


def prepare_tiles(problem: Problem, *, channels_last: bool) -> Call:
    case: SlidingChannelConv2dCase = problem.case
    convolution = Convolution(case.windows, FORMATS[case.dtype], launcher_for(problem))
    return prepare_kernels(problem, SeparateGradients(convolution), channels_last=channels_last)
