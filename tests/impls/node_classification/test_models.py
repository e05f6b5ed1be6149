"""Every model, as its implementation builds it, against a dense formula; parameters and MACs by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import elu, leaky_relu

from bench.core import registry
from bench.core.target import Target
from impls.node_classification._layers import Links, macs
from impls.node_classification._training import TrainedModel, parameters
from impls.node_classification.workload import NodeClassification, NodeClassificationCase

ENTRIES = {entry.name: entry for entry in registry.implementations() if entry.workload == "node_classification"}
N, F, W, C = 9, 5, 8, 3
E = 18 + N
"""Entries of the symmetric matrix: 18 directed edges, and the nodes themselves."""


def implementation(name: str) -> TrainedModel:
    found = registry.load(ENTRIES[name])
    assert isinstance(found, TrainedModel)
    return found


def built(name: str, dropout: float = 0.0) -> nn.Module:
    """With every parameter random, biases too."""
    torch.manual_seed(0)
    model = implementation(name).build(F, W, C, dropout)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model


def convolution(p: Tensor, x: Tensor, layer: Any) -> Tensor:
    return p @ x @ layer.linear.weight + layer.bias


def linear(x: Tensor, layer: Any) -> Tensor:
    return x @ layer.weight + layer.bias


def chain(p: Tensor, a: Tensor, layers: Any) -> list[Tensor]:
    found = [a]
    for layer in layers:
        found.append(convolution(p, found[-1], layer).relu())
    return found[1:]


def gcn(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    return convolution(p, convolution(p, x, m.first).relu(), m.last)


def gcn3(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    return linear(chain(p, x, [m.first, m.second, m.third])[-1], m.last)


def residual_gcn(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    a, b = chain(p, x, [m.first, m.second])
    return linear(convolution(p, a + b, m.third).relu(), m.last)


def multipath_p(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    a = convolution(p, x, m.first).relu()
    (second,), (third,) = m.chains
    return linear((convolution(p, a, second).relu() + convolution(p, a, third).relu()).relu(), m.last)


def multipath_s(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    b, c = chain(p, convolution(p, x, m.first).relu(), m.chains[0])
    return linear((c + b).relu(), m.last)


def multipath_concatenate(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    a = convolution(p, x, m.first).relu()
    one, two, three = (chain(p, a, layers) for layers in m.chains)
    assert (len(one), len(two), len(three)) == (1, 2, 3)
    return linear(torch.cat([one[-1], two[-1], three[-1]], dim=1), m.last)


def multipath_attend(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    paths = chain(p, convolution(p, x, m.first).relu(), m.chains[0])
    assert len(paths) == 3
    hidden, score = m.attention.hidden, m.attention.score
    scores = torch.cat([(path @ hidden.weight.T + hidden.bias).tanh() @ score.weight.T for path in paths], dim=1)
    weights = scores.softmax(dim=1)
    return linear(sum(weights[:, i : i + 1] * path for i, path in enumerate(paths)), m.last)


def mlp(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    return linear(linear(x, m.first).relu(), m.last)


def sage(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    def layer(x: Tensor, layer: Any) -> Tensor:
        return linear(x, layer.own) + mean @ x @ layer.neighbours.weight

    return layer(layer(x, m.first).relu(), m.last)


def sgc(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    return p @ p @ x @ m.only.linear.weight + m.only.bias


def jumping_knowledge(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    assert len(m.layers) == 3
    return linear(torch.cat(chain(p, x, m.layers), dim=1), m.last)


def gat(m: Any, x: Tensor, p: Tensor, mean: Tensor) -> Tensor:
    def layer(x: Tensor, layer: Any, heads: int) -> Tensor:
        found = []
        for head in range(heads):
            values = (x @ layer.linear.weight).view(N, heads, -1)[:, head]
            scores = leaky_relu((values @ layer.own[head])[:, None] + values @ layer.other[head], 0.2)
            found.append(scores.masked_fill(p == 0, -torch.inf).softmax(dim=1) @ values)
        return torch.cat(found, dim=1) + layer.bias

    return layer(elu(layer(x, m.first, heads=8)), m.last, heads=1)


CHAIN = F * W + 2 * W * W
MODELS: dict[str, tuple[Callable[..., Tensor], int, tuple[int, int]]] = {
    "gcn": (gcn, F * W + W + W * C + C, (N * (F * W + W * C), E * (W + C))),
    "gcn_tuned": (gcn, F * W + W + W * C + C, (N * (F * W + W * C), E * (W + C))),
    "gcn3": (gcn3, CHAIN + 3 * W + W * C + C, (N * (CHAIN + W * C), E * 3 * W)),
    "residual_gcn": (residual_gcn, CHAIN + 3 * W + W * C + C, (N * (CHAIN + W * C), E * 3 * W)),
    "multipath_p": (multipath_p, CHAIN + 3 * W + W * C + C, (N * (CHAIN + W * C), E * 3 * W)),
    "multipath_s": (multipath_s, CHAIN + 3 * W + W * C + C, (N * (CHAIN + W * C), E * 3 * W)),
    "multipath_concatenate": (
        multipath_concatenate,
        F * W + 6 * W * W + 7 * W + 3 * W * C + C,
        (N * (F * W + 6 * W * W + 3 * W * C), E * 7 * W),
    ),
    "multipath_attend": (
        multipath_attend,
        F * W + 4 * W * W + 6 * W + W * C + C,
        (N * (F * W + 3 * W * W + W * C + 3 * (W * W + 2 * W)), E * 4 * W),
    ),
    "mlp": (mlp, F * W + W + W * C + C, (N * (F * W + W * C), 0)),
    "sage": (sage, 2 * F * W + W + 2 * W * C + C, (2 * N * (F * W + W * C), 18 * (W + C))),
    "sgc": (sgc, F * C + C, (N * F * C, 2 * E * C)),
    "jumping_knowledge": (
        jumping_knowledge,
        CHAIN + 3 * W + 3 * W * C + C,
        (N * (CHAIN + 3 * W * C), E * 3 * W),
    ),
    "gat": (gat, F * W + 3 * W + W * C + 3 * C, (N * (F * W + W * C + 2 * W + 2 * C), E * (W + C))),
}


def test_every_model_has_a_formula_here() -> None:
    assert set(MODELS) == set(ENTRIES)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_its_formula(name: str, edges: Tensor) -> None:
    formula, count, work = MODELS[name]
    links, model = Links(edges, N), built(name)
    x = torch.randn(N, F, generator=torch.Generator().manual_seed(1))
    right = formula(model, x, links.symmetric.csr().to_dense(), links.mean.csr().to_dense())
    assert right.std() > 0.01  # not all the same, which much would be equal to
    torch.testing.assert_close(model(x, links), right)
    assert parameters(model) == count
    assert macs(model, N, edges.shape[1]) == work


@pytest.mark.parametrize("name", MODELS)
def test_dropout_acts_in_training_alone(name: str, edges: Tensor) -> None:
    links, model, x = Links(edges, N), built(name, dropout=0.5), torch.ones(N, F)
    model.eval()
    torch.testing.assert_close(model(x, links), built(name)(x, links))
    model.train()
    assert not torch.equal(model(x, links), model(x, links))


DROPOUTS = {
    **dict.fromkeys(("gcn", "gcn_tuned", "mlp", "sage"), 2),
    **dict.fromkeys(("gcn3", "residual_gcn", "multipath_p", "multipath_s"), 4),
    "sgc": 1,
    "multipath_concatenate": 8,
    "multipath_attend": 5,
    "jumping_knowledge": 4,
    "gat": 4,  # before each of its layers, and of each one's attention
}


@pytest.mark.parametrize("name", MODELS)
def test_dropout_comes_before_every_layer(name: str, edges: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []

    def counted(x: Tensor, share: float, training: bool = True) -> Tensor:
        shares.append(share if training else 0.0)
        return x

    model = built(name, dropout=0.25)
    monkeypatch.setattr(nn.functional, "dropout", counted)
    model.train()
    model(torch.ones(N, F), Links(edges, N))
    assert shares == [0.25] * DROPOUTS[name]


@pytest.mark.parametrize("name", ["gcn3", "gcn_tuned", "mlp", "gat"])
def test_the_work_of_a_call_is_the_trained_models(name: str) -> None:
    """With 34 nodes, each a feature of its own, 156 directed edges and 4 classes."""
    workload = NodeClassification()
    for hidden in (16, 24):
        problem = workload.problem(NodeClassificationCase(hidden=hidden, epochs=1), 0)
        trained = implementation(name).prepare(problem, Target("edge"))
        width = 16 if name == "gcn_tuned" else hidden
        model = implementation(name).build(34, width, 4, 0.0)
        dense, sparse = macs(model, 34, 156)
        assert (trained.work.macs, trained.work.sparse_macs) == (dense + sparse, sparse)
        assert trained.work.parameters == parameters(model)
        edges = 0 if name == "mlp" else 2 * 156 * 8
        assert trained.work.least_bytes == 4 * (34 * 34 + parameters(model) + 34 * 4) + edges
        tuned = name == "gcn_tuned"
        regularised = {"dropout": "0.5", "weight decay": "0.0005"} if tuned else {"dropout": "0", "weight decay": "0"}
        assert trained.facts == {"width": str(width)} | regularised
