"""The workload itself: its graphs, its reference, its work, its suites."""

from random import Random

import numpy as np
import pytest

from bench.core.errors import UsageError
from impls.graph_propagation._graph import draw_edges
from impls.graph_propagation.workload import GRAPHS, GraphPropagation, GraphPropagationCase

WORKLOAD = GraphPropagation()


def degrees(nodes: int, edges: int) -> np.ndarray:
    """Degrees of the nodes, without self-loops."""
    return np.bincount(draw_edges(nodes, edges, np.random.default_rng(0)).ravel(), minlength=nodes)


def dense_matrix(case: GraphPropagationCase) -> np.ndarray:
    """D^-1/2 (N + I) D^-1/2 as a dense matrix, from the edges alone."""
    adjacency = np.eye(case.nodes)
    for u, v in draw_edges(case.nodes, case.edges, np.random.default_rng(0)).T:
        adjacency[u, v] = adjacency[v, u] = 1
    scale = np.diag(adjacency.sum(axis=1) ** -0.5)
    return scale @ adjacency @ scale


@pytest.mark.parametrize("seed", range(100))
def test_reference_is_the_dense_product(seed: int) -> None:
    case = WORKLOAD.random_case(Random(seed).choice).model_copy(update={"dtype": "float64"})
    problem = WORKLOAD.problem(case, seed)
    (features,) = problem.inputs.values()
    np.testing.assert_allclose(WORKLOAD.reference(problem), dense_matrix(case) @ features, rtol=1e-12, atol=1e-12)


def test_backward_is_the_product_with_the_transpose() -> None:
    """The matrix is made unsymmetric, so that it differs from its transpose."""
    case = GraphPropagationCase(nodes=50, edges=100, width=3, passes="backward", dtype="float64")
    problem = WORKLOAD.problem(case, 0)
    problem.constants["weight"][:] = np.random.default_rng(0).standard_normal(case.stored)
    dense = np.zeros((50, 50))
    dense[problem.constants["row"], problem.constants["col"]] = problem.constants["weight"]
    assert not np.allclose(dense, dense.T)
    np.testing.assert_allclose(WORKLOAD.reference(problem), dense.T @ problem.inputs["dy"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(100))
def test_constants_are_as_documented(seed: int) -> None:
    """Nonzeros are sorted by row, then column, and occur once: libraries rely on it without checking."""
    case = WORKLOAD.random_case(Random(seed).choice)
    constants = WORKLOAD.problem(case, seed).constants
    row, col = constants["row"], constants["col"]
    assert row.dtype == col.dtype == np.int64
    assert constants["weight"].dtype == case.dtype
    assert len(row) == len(col) == len(constants["weight"]) == case.stored
    assert (np.diff(row * case.nodes + col) > 0).all()
    assert (row == col).sum() == case.nodes


@pytest.mark.parametrize(("nodes", "edges"), [GRAPHS["Cora"], (100, 4_000), (64, 64 * 63 // 2), (2, 1), (1, 0)])
def test_edges_are_distinct_pairs_of_distinct_nodes(nodes: int, edges: int) -> None:
    pairs = draw_edges(nodes, edges, np.random.default_rng(0))
    assert pairs.shape == (2, edges)
    assert (pairs[0] != pairs[1]).all()
    assert len({frozenset(pair) for pair in pairs.T.tolist()}) == edges
    assert set(pairs.ravel().tolist()) <= set(range(nodes))


@pytest.mark.parametrize("name", GRAPHS)
def test_degrees_have_a_heavy_tail(name: str) -> None:
    """The top percent of nodes has a tenth of all edge ends, by the square root with which ends are drawn.

    It has somewhat fewer where hubs are linked to every node. If all nodes were alike, it would have two or three
    percent.
    """
    nodes, edges = GRAPHS[name]
    descending = np.sort(degrees(nodes, edges))[::-1]
    assert descending.sum() == 2 * edges
    assert 0.06 < descending[: nodes // 100].sum() / descending.sum() < 0.11
    assert descending[0] > 10 * descending.mean()


def test_the_degree_distribution_has_exponent_3() -> None:
    """Hill's estimate over the top 2 % of a large graph."""
    top = np.sort(degrees(*GRAPHS["ogbn-arxiv"]))[::-1][:3_400].astype(float)
    assert 1 + 1 / np.log(top[:-1] / top[-1]).mean() == pytest.approx(3, abs=0.2)


def test_sparse_and_dense_drawing_have_the_same_distribution() -> None:
    """Up to 14 of 120 pairs are drawn by rejection, 15 and more by waiting times: the hubs' share must not jump."""
    share = {}
    for edges in (14, 15):
        counts = np.zeros(16)
        for seed in range(3_000):
            pairs = draw_edges(16, edges, np.random.default_rng(seed))
            counts += np.sort(np.bincount(pairs.ravel(), minlength=16))
        share[edges] = counts / counts.sum()
    np.testing.assert_allclose(share[14][-4:], share[15][-4:], rtol=0.05)


def test_node_numbers_are_independent_of_degrees() -> None:
    """Otherwise the hubs' features, all at the array's start, would stay in the cache, unlike in real graphs."""
    counts = degrees(*GRAPHS["PubMed"])
    ranks = np.argsort(np.argsort(counts))
    assert abs(np.corrcoef(ranks, np.arange(len(counts)))[0, 1]) < 0.05


def test_an_isolated_node_keeps_its_own_features() -> None:
    case = GraphPropagationCase(nodes=200, edges=100, width=4)
    alone = degrees(200, 100) == 0
    assert 0 < alone.sum() < 200
    problem = WORKLOAD.problem(case, 0)
    y, x = WORKLOAD.reference(problem), problem.inputs["x"]
    np.testing.assert_array_equal(y[alone], x[alone])
    assert (y[~alone] != x[~alone]).all()


def test_a_refill_changes_the_features_but_not_the_graph() -> None:
    for passes, name in (("forward", "x"), ("backward", "dy")):
        case = GraphPropagationCase(nodes=50, edges=100, width=3, passes=passes)
        problem, other = WORKLOAD.problem(case, 1), WORKLOAD.problem(case, 2)
        assert list(problem.inputs) == [name]
        assert not np.array_equal(problem.inputs[name], other.inputs[name])
        array = problem.inputs[name]
        WORKLOAD.refill(problem, 2)
        assert problem.inputs[name] is array
        np.testing.assert_array_equal(array, other.inputs[name])
        for constant, values in problem.constants.items():
            np.testing.assert_array_equal(values, other.constants[constant])


def test_work_agrees_with_hand_calculation() -> None:
    """Cora at width 16: 13,264 nonzeros."""
    case = GraphPropagationCase(nodes=2_708, edges=5_278, width=16)
    work = WORKLOAD.work(case)
    assert work.macs == 13_264 * 16
    assert work.parameters == 0
    assert work.least_bytes == 2 * 2_708 * 16 * 4 + 13_264 * (4 + 4) + 2_709 * 4
    double = WORKLOAD.work(case.model_copy(update={"dtype": "float64"}))
    assert double.macs == work.macs
    assert double.least_bytes == 2 * 2_708 * 16 * 8 + 13_264 * (8 + 4) + 2_709 * 4
    assert WORKLOAD.work(case.model_copy(update={"passes": "backward"})) == work


def test_random_cases_include_every_edge_case() -> None:
    cases = [WORKLOAD.random_case(Random(seed).choice) for seed in range(500)]
    assert any(case.nodes == 1 for case in cases)
    assert any(case.edges == 0 and case.nodes > 1 for case in cases)
    assert any(case.edges == case.nodes * (case.nodes - 1) // 2 > 1 for case in cases)
    assert any(case.nodes == 200 and case.edges < 200 * 199 // 16 for case in cases)
    assert {case.passes for case in cases} == {"forward", "backward"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"edges": 11}, "edges=11 are more than the 10 pairs that nodes=5 have"),
        ({"nodes": 0}, "nodes"),
        ({"passes": "train"}, "passes"),
    ],
)
def test_invalid_cases_are_refused(change: dict[str, object], words: str) -> None:
    valid: dict[str, object] = {"nodes": 5, "edges": 10, "width": 1}
    assert GraphPropagationCase.from_parameters(valid)
    with pytest.raises(UsageError, match=words):
        GraphPropagationCase.from_parameters(valid | change)


@pytest.mark.parametrize("suite", WORKLOAD.suites())
def test_slugs_are_unique_and_parameters_round_trip(suite: str) -> None:
    cases = WORKLOAD.suites()[suite]
    assert len({case.slug for case in cases}) == len(cases)
    assert [GraphPropagationCase.from_parameters(case.model_dump(mode="json")) for case in cases] == list(cases)
