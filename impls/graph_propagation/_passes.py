"""The call of a case, forward or backward, from a differentiable propagation in PyTorch."""

from collections.abc import Callable

import torch
from torch import Tensor

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.graph_propagation.workload import GraphPropagationCase


def prepare_passes(problem: Problem, target: Target, propagate: Callable[[Tensor], Tensor]) -> Call:
    """Return a call that computes the case's passes, on tensors that share their memory with the problem's arrays.

    A forward call runs ``propagate`` in inference mode. For a backward call, ``propagate`` runs once, here; the call
    computes autograd's gradient from ``dy``.
    """
    torch.set_num_threads(len(target.cores))
    case: GraphPropagationCase = problem.case
    if case.passes == "backward":
        dy = torch.from_numpy(problem.inputs["dy"])
        x = torch.zeros_like(dy, requires_grad=True)  # its values do not matter: y is linear in x
        y = propagate(x)
        return lambda: torch.autograd.grad(y, x, dy, retain_graph=True)[0]
    x = torch.from_numpy(problem.inputs["x"])

    def forward() -> Tensor:
        with torch.inference_mode():
            return propagate(x)

    return forward


def constants(problem: Problem) -> tuple[Tensor, Tensor, Tensor]:
    """Return row, col and weight as tensors."""
    row, col, weight = (torch.from_numpy(problem.constants[name]) for name in ("row", "col", "weight"))
    return row, col, weight
