"""PyTorch on channels-last tensors."""

import torch

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.tensors import as_tensor
from impls.grouped_conv2d.pytorch import prepare_conv2d


class PyTorchChannelsLast(Implementation):
    """torch.nn.functional.conv2d on NHWC (channels-last) tensors, eager."""

    workload = "grouped_conv2d"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = "Timed: conv2d in inference mode, input and output stored as NHWC; asymmetric padding is a pad of its own."

    def prepare(self, problem: Problem, target: Target) -> Call:
        x = as_tensor(problem.lay_out("x", (0, 2, 3, 1)))
        return prepare_conv2d(problem, x, torch.channels_last, target)
