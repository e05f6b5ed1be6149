"""im2col, then a matrix product for each group, with the rows of the channels that it reads."""

import torch
from torch.nn.functional import unfold

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.tensors import as_tensor
from impls.diverse_grouped_conv2d.workload import DiverseGroupedConv2dCase


class GatherGemm(Implementation):
    """im2col, then for each group a matrix product with the rows of the channels that it reads, in PyTorch."""

    workload = "diverse_grouped_conv2d"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = "Timed: im2col, and for each group the gathering of rows and the product. Gathering weights is not in it."

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: DiverseGroupedConv2dCase = problem.case
        torch.set_num_threads(len(target.cores))
        x = as_tensor(problem.inputs["x"])
        weight, group, reads = (as_tensor(problem.constants[name]) for name in ("weight", "group", "reads"))
        taps = case.kernel**2
        parts = []
        for index in range(case.groups):
            filters, channels = torch.nonzero(group == index).flatten(), torch.nonzero(reads[index]).flatten()
            rows = (channels[:, None] * taps + torch.arange(taps, device=x.device)).flatten()
            parts.append((filters, rows, weight[filters][:, channels].flatten(1)))
        output = torch.empty_like(x).flatten(2)

        def call() -> torch.Tensor:
            with torch.inference_mode():
                columns = unfold(x, case.kernel, padding=case.kernel // 2)
                for filters, rows, matrix in parts:
                    output[:, filters] = matrix @ columns[:, rows]
                return output.view(x.shape)

        return call
