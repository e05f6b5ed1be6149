"""PyTorch's sparse tensors in compressed rows."""

import warnings

import torch

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.graph_propagation._passes import constants, prepare_passes


class TorchCsr(Implementation):
    """A torch.sparse_csr_tensor times x."""

    workload = "graph_propagation"
    requires = ("torch",)
    note = (
        "Timed: the product, or autograd's gradient of it, which transposes the matrix anew in every call. Indices of "
        "32 bits."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        row, col, weight = constants(problem)
        nodes = problem.case.nodes
        starts = torch.searchsorted(row, torch.arange(nodes + 1), out_int32=True)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
            matrix = torch.sparse_csr_tensor(starts, col.int(), weight, (nodes, nodes), check_invariants=True)
        return prepare_passes(problem, target, lambda x: matrix @ x)
