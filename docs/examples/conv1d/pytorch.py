"""1-D convolution by PyTorch."""

import torch

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.tensors import as_tensor


class PyTorch(Implementation):
    """torch.nn.functional.conv1d, eager."""

    workload = "conv1d"
    requires = ("torch",)
    note = "Timed: conv1d in inference mode."

    def prepare(self, problem: Problem, target: Target) -> Call:
        torch.set_num_threads(len(target.cores))
        x, weight = as_tensor(problem.inputs["x"]), as_tensor(problem.constants["weight"])

        def call() -> torch.Tensor:
            with torch.inference_mode():
                return torch.nn.functional.conv1d(x, weight)

        return call
