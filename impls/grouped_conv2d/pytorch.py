"""PyTorch on NCHW and on channels-last tensors."""

import torch

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.tensors import as_tensor
from impls.grouped_conv2d.workload import GroupedConv2dCase


class PyTorch(Implementation):
    """torch.nn.functional.conv2d on NCHW tensors, eager, as most people call it."""

    workload = "grouped_conv2d"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = (
        "Timed: conv2d in inference mode. Asymmetric padding is a separate pad, timed too. On a GPU it is cuDNN's, the "
        "fastest of its algorithms by trial, in float32 throughout."
    )
    channels_last = False
    variants = {
        "pytorch": {},
        "pytorch_channels_last": {
            "channels_last": True,
            "summary": "torch.nn.functional.conv2d on NHWC (channels-last) tensors, eager.",
            "note": "Timed: conv2d in inference mode, input and output stored as NHWC; asymmetric padding is a pad of "
            "its own.",
        },
    }

    def prepare(self, problem: Problem, target: Target) -> Call:
        torch.set_num_threads(len(target.cores))
        case: GroupedConv2dCase = problem.case
        torch.backends.cudnn.benchmark = True  # the fastest of cuDNN's algorithms, by trial
        x = as_tensor(problem.lay_out("x", (0, 2, 3, 1)) if self.channels_last else problem.inputs["x"])
        memory_format = torch.channels_last if self.channels_last else torch.contiguous_format
        weight = as_tensor(problem.constants["weight"]).contiguous(memory_format=memory_format)
        bias = as_tensor(problem.constants["bias"]) if case.bias else None
        top, bottom, left, right = case.padding
        symmetric = case.symmetric_padding

        def call() -> torch.Tensor:
            with torch.inference_mode():
                source = x if symmetric else torch.nn.functional.pad(x, (left, right, top, bottom))
                return torch.nn.functional.conv2d(
                    source, weight, bias, case.stride, symmetric or 0, case.dilation, case.groups
                )

        return call
