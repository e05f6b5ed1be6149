"""Every model, as its implementation builds it, against a dense formula, with parameters and MACs counted by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import elu, leaky_relu

from bench.core import registry
from bench.core.loading import load
from bench.core.target import Target
from impls.node_classification._layers import Links, macs
from impls.node_classification._training import TrainedModel, parameters
from impls.node_classification.workload import NodeClassification, NodeClassificationCase

SPECS = {spec.name: spec for spec in registry.implementations() if spec.workload == "node_classification"}
N, F, W, C = 9, 5, 8, 3
E = 18 + N
"""Entries of the symmetric matrix: 18 directed edges and N loops."""


def implementation(name: str) -> TrainedModel:
    model = load(SPECS[name])
    assert isinstance(model, TrainedModel)
    return model


def build(name: str, dropout: float = 0.0) -> nn.Module:
    """Build a model and draw every parameter at random, biases too."""
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
    outputs = [a]
    for layer in layers:
        outputs.append(convolution(p, outputs[-1], layer).relu())
    return outputs[1:]


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
    first, second, third = (chain(p, a, layers) for layers in m.chains)
    assert (len(first), len(second), len(third)) == (1, 2, 3)
    return linear(torch.cat([first[-1], second[-1], third[-1]], dim=1), m.last)


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
        outputs = []
        for head in range(heads):
            values = (x @ layer.linear.weight).view(N, heads, -1)[:, head]
            scores = leaky_relu((values @ layer.own[head])[:, None] + values @ layer.other[head], 0.2)
            outputs.append(scores.masked_fill(p == 0, -torch.inf).softmax(dim=1) @ values)
        return torch.cat(outputs, dim=1) + layer.bias

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
    assert set(MODELS) == set(SPECS)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_agrees_with_its_formula(name: str, edges: Tensor) -> None:
    formula, count, work = MODELS[name]
    links, model = Links(edges, N), build(name)
    x = torch.randn(N, F, generator=torch.Generator().manual_seed(1))
    expected = formula(model, x, links.symmetric.csr().to_dense(), links.mean.csr().to_dense())
    assert expected.std() > 0.01  # constant outputs would prove little
    torch.testing.assert_close(model(x, links), expected)
    assert parameters(model) == count
    assert macs(model, N, edges.shape[1]) == work


@pytest.mark.parametrize("name", MODELS)
def test_dropout_acts_only_in_training(name: str, edges: Tensor) -> None:
    links, model, x = Links(edges, N), build(name, dropout=0.5), torch.ones(N, F)
    model.eval()
    torch.testing.assert_close(model(x, links), build(name)(x, links))
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
    rates: list[float] = []

    def record(x: Tensor, p: float, training: bool = True) -> Tensor:
        rates.append(p if training else 0.0)
        return x

    model = build(name, dropout=0.25)
    monkeypatch.setattr(nn.functional, "dropout", record)
    model.train()
    model(torch.ones(N, F), Links(edges, N))
    assert rates == [0.25] * DROPOUTS[name]


@pytest.mark.parametrize("name", ["gcn3", "gcn_tuned", "mlp", "gat"])
def test_the_work_of_a_call_is_that_of_the_trained_model(name: str) -> None:
    """The graph has 34 nodes, each with a feature of its own, 156 directed edges and 4 classes."""
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
