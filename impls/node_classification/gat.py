"""The graph attention network."""

import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter, softmax

from impls.node_classification._layers import Features, Linear, Links, Macs
from impls.node_classification._training import TrainedModel
from impls.node_classification._two_layers import TwoLayers

HEADS = 8


class Gat(TrainedModel):
    """Two layers of graph attention, of eight heads; width: the nearest multiple of eight."""

    workload = "node_classification"
    requires = ("torch", "torch-geometric")
    paper = "arXiv 1710.10903"
    note = (
        "Timed: the whole graph forward, dense features, softmax and sums over edges in PyTorch Geometric's scatter. "
        "Training is not in it."
    )

    def build(self, features: int, width: int, classes: int, dropout: float) -> nn.Module:
        head_width = max(1, round(width / HEADS))
        first = Attention(features, head_width, HEADS, dropout)
        return TwoLayers(first, Attention(HEADS * head_width, classes, 1, dropout), dropout, nn.functional.elu)


class Attention(nn.Module):
    """Mean of each node's neighbours and itself, weighted by softmax(leaky_relu(s . W x_node + t . W x_neighbour))."""

    def __init__(self, features: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.linear = Linear(features, heads * width, bias=False)
        self.own, self.other = (nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, width))) for _ in range(2))
        self.bias = nn.Parameter(torch.zeros(heads * width))
        self.dropout = dropout

    def forward(self, x: Features, links: Links) -> Tensor:
        values = self.linear(x).view(links.nodes, *self.own.shape)
        target, source = links.with_loops
        scores = (values * self.own).sum(dim=-1)[target] + (values * self.other).sum(dim=-1)[source]
        weights = softmax(nn.functional.leaky_relu(scores, 0.2), target, num_nodes=links.nodes)
        weights = nn.functional.dropout(weights, self.dropout, self.training)
        y: Tensor = scatter(weights.unsqueeze(-1) * values[source], target, dim_size=links.nodes)
        return y.flatten(start_dim=1) + self.bias

    def macs(self, nodes: int, links: int) -> Macs:
        """Count both halves of the scores, and the weighted sum over neighbours and the node itself."""
        return Macs(2 * nodes * self.own.numel(), (links + nodes) * self.own.numel())
