"""PyTorch Geometric, by message passing."""

import torch
from torch_geometric.nn import GCNConv

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.graph_propagation._passes import constants, prepare_passes


class PyG(Implementation):
    """torch_geometric.nn.GCNConv on an edge list, its linear layer left out: gather, multiply, scatter-add."""

    workload = "graph_propagation"
    requires = ("torch-geometric", "torch")
    note = (
        "Timed: GCNConv's forward pass with weights normalised beforehand, or autograd's gradient of it. Gathers and "
        "multiplies into arrays of nonzeros x width. Given a sparse tensor instead of an edge list, it would call what "
        "torch_csr and torch_coo do."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        row, col, weight = constants(problem)
        layer = GCNConv(1, 1, normalize=False, bias=False)
        layer.lin = torch.nn.Identity()
        edge_index = torch.stack([col, row])  # from source to target
        return prepare_passes(problem, target, lambda x: layer(x, edge_index, weight))
