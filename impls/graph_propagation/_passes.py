"""From a differentiable propagation in PyTorch to the call of a case: its forward pass, or its gradient."""

from collections.abc import Callable

import torch
from torch import Tensor

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.graph_propagation.workload import GraphPropagationCase


def prepare_passes(problem: Problem, target: Target, propagate: Callable[[Tensor], Tensor]) -> Call:
    """A call that computes the case's passes, on tensors that share their memory with the problem's arrays.

    Forward: ``propagate``, in inference mode. Backward: that runs here once, and the call is autograd's, from ``dy``.
    """
    torch.set_num_threads(len(target.cores))
    case: GraphPropagationCase = problem.case
    if case.passes == "backward":
        dy = torch.from_numpy(problem.inputs["dy"])
        x = torch.zeros_like(dy, requires_grad=True)  # any will do: y is linear in it
        y = propagate(x)
        return lambda: torch.autograd.grad(y, x, dy, retain_graph=True)[0]
    x = torch.from_numpy(problem.inputs["x"])

    def forward() -> Tensor:
        with torch.inference_mode():
            return propagate(x)

    return forward


def constants(problem: Problem) -> tuple[Tensor, Tensor, Tensor]:
    """Row, col and weight."""
    row, col, weight = (torch.from_numpy(problem.constants[name]) for name in ("row", "col", "weight"))
    return row, col, weight
