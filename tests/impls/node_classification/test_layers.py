"""The layers agree with dense formulas and with PyTorch Geometric's own layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch_geometric.nn import GATConv, GCNConv, SAGEConv

from impls.node_classification._layers import (
    GraphConvolution,
    Linear,
    Links,
    MeanConvolution,
    dropout,
    macs,
)
from impls.node_classification._sparse import Sparse
from impls.node_classification.gat import Attention

NODES, FEATURES, WIDTH = 9, 5, 6


@pytest.fixture
def links(edges: torch.Tensor) -> Links:
    return Links(edges, NODES)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(NODES, FEATURES, generator=torch.Generator().manual_seed(0))


@given(
    rows=st.integers(1, 12),
    columns=st.integers(1, 12),
    width=st.integers(1, 7),
    density=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
@settings(max_examples=100, deadline=None)
def test_sparse_products_and_their_gradients_are_the_dense_ones(
    rows: int, columns: int, width: int, density: float, seed: int
) -> None:
    """This includes matrices without any entry, and rows and columns without entries."""
    torch.manual_seed(seed)
    dense = torch.where(torch.rand(rows, columns) < density, torch.randn(rows, columns), 0).double()
    y = torch.randn(columns, width, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(Sparse.from_dense(dense) @ y, dense @ y)
    assert torch.autograd.gradcheck(lambda y: Sparse.from_dense(dense) @ y, (y,))


def test_dropout_of_a_sparse_matrix_drops_the_same_entries_forward_and_backward() -> None:
    torch.manual_seed(0)
    ones = Sparse.from_dense(torch.ones(40, 30))
    dropped = dropout(ones, 0.5, training=True)
    forward, backward = dropped.csr().to_dense(), dropped.transposed_csr().to_dense()
    torch.testing.assert_close(forward, backward.T)
    assert set(forward.unique().tolist()) == {0.0, 2.0}
    assert 0.4 < (forward == 0).double().mean() < 0.6
    assert dropout(ones, 0.5, training=False) is ones
    torch.testing.assert_close(ones.csr().to_dense(), torch.ones(40, 30))


def test_propagation_matrices_are_the_normalised_adjacency(links: Links) -> None:
    adjacency = torch.zeros(NODES, NODES)
    adjacency[links.edges[0], links.edges[1]] = 1
    with_loops = adjacency + torch.eye(NODES)
    scale = with_loops.sum(dim=1).rsqrt().diag()
    torch.testing.assert_close(links.symmetric.csr().to_dense(), scale @ with_loops @ scale)
    mean = adjacency / adjacency.sum(dim=1, keepdim=True).clamp(min=1)
    torch.testing.assert_close(links.mean.csr().to_dense(), mean)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_graph_convolution_agrees_with_that_of_pytorch_geometric(links: Links, x: torch.Tensor, sparse: bool) -> None:
    ours, theirs = GraphConvolution(FEATURES, WIDTH), GCNConv(FEATURES, WIDTH)
    theirs.lin.weight.data = ours.linear.weight.data.T.clone()
    theirs.bias.data = ours.bias.data.normal_().clone()
    features = Sparse.from_dense(x) if sparse else x
    torch.testing.assert_close(ours(features, links), theirs(x, links.edges))


def test_two_hops_propagate_twice(links: Links, x: torch.Tensor) -> None:
    layer = GraphConvolution(FEATURES, WIDTH, hops=2)
    p = links.symmetric.csr().to_dense()
    torch.testing.assert_close(layer(x, links), p @ p @ x @ layer.linear.weight)


def test_a_mean_convolution_agrees_with_that_of_pytorch_geometric(links: Links, x: torch.Tensor) -> None:
    ours, theirs = MeanConvolution(FEATURES, WIDTH), SAGEConv(FEATURES, WIDTH)
    theirs.lin_l.weight.data = ours.neighbours.weight.data.T.clone()
    theirs.lin_l.bias.data = ours.own.bias.data.normal_().clone()
    theirs.lin_r.weight.data = ours.own.weight.data.T.clone()
    torch.testing.assert_close(ours(x, links), theirs(x, links.edges))


@pytest.mark.parametrize("heads", [1, 3])
def test_attention_agrees_with_that_of_pytorch_geometric(links: Links, x: torch.Tensor, heads: int) -> None:
    ours, theirs = Attention(FEATURES, WIDTH, heads, dropout=0.0), GATConv(FEATURES, WIDTH, heads=heads)
    theirs.lin.weight.data = ours.linear.weight.data.T.clone()
    theirs.att_dst.data, theirs.att_src.data = ours.own.data[None].clone(), ours.other.data[None].clone()
    theirs.bias.data = ours.bias.data.normal_().clone()
    torch.testing.assert_close(ours(x, links), theirs(x, links.edges))


def test_a_linear_layer_takes_sparse_features(x: torch.Tensor) -> None:
    layer = Linear(FEATURES, WIDTH)
    torch.testing.assert_close(layer(Sparse.from_dense(x)), layer(x))


def test_a_layer_that_does_not_count_its_work_is_refused() -> None:
    class Uncounted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm, self.last = Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)

    with pytest.raises(TypeError, match=r"^last\.weight: in no layer with a method macs\(nodes, links\)"):
        macs(Uncounted(), 10, 20)
