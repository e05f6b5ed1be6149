"""PyTorch's sparse tensors in coordinate format."""

import torch

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.graph_propagation._passes import constants, prepare_passes


class TorchCoo(Implementation):
    """A coalesced torch.sparse_coo_tensor times x, as the first PyTorch code of these networks has it."""

    workload = "graph_propagation"
    requires = ("torch",)
    note = "Timed: the product, or autograd's gradient of it. Indices of 64 bits, as this format wants them."

    def prepare(self, problem: Problem, target: Target) -> Call:
        row, col, weight = constants(problem)
        size = (problem.case.nodes,) * 2
        matrix = torch.sparse_coo_tensor(
            torch.stack([row, col]), weight, size, is_coalesced=True, check_invariants=True
        )
        return prepare_passes(problem, target, lambda x: matrix @ x)
