"""The project's own kernels in CUDA C++, as implementations."""

from bench.core.workload import Call, Problem
from impls.sliding_channel_conv2d._kernels import OneByOne, gpu_of, prepare_kernels
from impls.sliding_channel_conv2d.cuda import compiler
from impls.sliding_channel_conv2d.cuda.convolution import Convolution
from impls.sliding_channel_conv2d.cuda.formats import FORMATS
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase


def unable(case: SlidingChannelConv2dCase) -> str | None:
    """Why the kernels cannot run the case, or None."""
    if case.dtype not in FORMATS:
        return f"the CUDA kernels take {', '.join(FORMATS)}"
    return compiler.unavailable()


def prepare_tiles(problem: Problem, *, channels_last: bool) -> Call:
    case: SlidingChannelConv2dCase = problem.case
    convolution = Convolution(case.windows, FORMATS[case.dtype], gpu_of(problem))
    return prepare_kernels(problem, OneByOne(convolution), channels_last=channels_last)
