"""The workload itself: its graphs, its reference, its work, its suites."""

from random import Random

import numpy as np
import pytest

from bench.core.errors import BadUse
from impls.graph_propagation._graph import draw_edges
from impls.graph_propagation.workload import GRAPHS, GraphPropagation, GraphPropagationCase

WORKLOAD = GraphPropagation()


def degrees(nodes: int, edges: int) -> np.ndarray:
    """Without self-loops."""
    return np.bincount(draw_edges(nodes, edges, np.random.default_rng(0)).ravel(), minlength=nodes)


def by_definition(case: GraphPropagationCase) -> np.ndarray:
    """D^-1/2 (N + I) D^-1/2 as a dense matrix, from the edges alone."""
    linked = np.eye(case.nodes)
    for one, other in draw_edges(case.nodes, case.edges, np.random.default_rng(0)).T:
        linked[one, other] = linked[other, one] = 1
    root = np.diag(linked.sum(axis=1) ** -0.5)
    return root @ linked @ root


@pytest.mark.parametrize("seed", range(100))
def test_reference_is_the_dense_product(seed: int) -> None:
    case = WORKLOAD.sample(Random(seed).choice).model_copy(update={"dtype": "float64"})
    problem = WORKLOAD.problem(case, seed)
    (features,) = problem.inputs.values()
    np.testing.assert_allclose(WORKLOAD.reference(problem), by_definition(case) @ features, rtol=1e-12, atol=1e-12)


def test_backward_is_the_transpose_s_product() -> None:
    """A made unsymmetric, so that the two differ."""
    case = GraphPropagationCase(nodes=50, edges=100, width=3, passes="backward", dtype="float64")
    problem = WORKLOAD.problem(case, 0)
    problem.constants["weight"][:] = np.random.default_rng(0).standard_normal(case.stored)
    dense = np.zeros((50, 50))
    dense[problem.constants["row"], problem.constants["col"]] = problem.constants["weight"]
    assert not np.allclose(dense, dense.T)
    np.testing.assert_allclose(WORKLOAD.reference(problem), dense.T @ problem.inputs["dy"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(100))
def test_constants_are_what_they_are_said_to_be(seed: int) -> None:
    """Sorted by row, then column, each nonzero once, as many as stated: libraries are told so, and do not look."""
    case = WORKLOAD.sample(Random(seed).choice)
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
    """By the square root that ends are drawn with, the top percent of nodes has a tenth of them, somewhat fewer where
    hubs have met everyone; if all nodes were alike, it would have two or three percent.
    """
    nodes, edges = GRAPHS[name]
    found = np.sort(degrees(nodes, edges))[::-1]
    assert found.sum() == 2 * edges
    assert 0.06 < found[: nodes // 100].sum() / found.sum() < 0.11
    assert found[0] > 10 * found.mean()


def test_the_tail_s_exponent() -> None:
    """Hill's estimate over the top 2 % of a large graph."""
    top = np.sort(degrees(*GRAPHS["ogbn-arxiv"]))[::-1][:3_400].astype(float)
    assert 1 + 1 / np.log(top[:-1] / top[-1]).mean() == pytest.approx(3, abs=0.2)


def test_both_ways_to_draw_give_one_distribution() -> None:
    """8 of 120 pairs are drawn by rejection, 15 and more by waiting times: the hubs' share must not jump between."""
    share = {}
    for edges in (14, 15):
        counts = np.zeros(16)
        for seed in range(3_000):
            pairs = draw_edges(16, edges, np.random.default_rng(seed))
            counts += np.sort(np.bincount(pairs.ravel(), minlength=16))
        share[edges] = counts / counts.sum()
    np.testing.assert_allclose(share[14][-4:], share[15][-4:], rtol=0.05)


def test_numbers_of_nodes_do_not_tell_their_degrees() -> None:
    """Else a hub's features, all at the array's start, would stay in the cache, as they do in no real graph."""
    found = degrees(*GRAPHS["PubMed"])
    ranks = np.argsort(np.argsort(found))
    assert abs(np.corrcoef(ranks, np.arange(len(found)))[0, 1]) < 0.05


def test_an_isolated_node_keeps_its_own_features() -> None:
    case = GraphPropagationCase(nodes=200, edges=100, width=4)
    alone = degrees(200, 100) == 0
    assert 0 < alone.sum() < 200
    problem = WORKLOAD.problem(case, 0)
    y, x = WORKLOAD.reference(problem), problem.inputs["x"]
    np.testing.assert_array_equal(y[alone], x[alone])
    assert (y[~alone] != x[~alone]).all()


def test_a_refill_brings_new_features_and_leaves_the_graph() -> None:
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


def test_work_by_hand() -> None:
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


def test_random_cases_meet_every_oddity() -> None:
    cases = [WORKLOAD.sample(Random(seed).choice) for seed in range(500)]
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
def test_cases_that_make_no_sense_are_refused(change: dict[str, object], words: str) -> None:
    good: dict[str, object] = {"nodes": 5, "edges": 10, "width": 1}
    assert GraphPropagationCase.from_parameters(good)
    with pytest.raises(BadUse, match=words):
        GraphPropagationCase.from_parameters(good | change)


@pytest.mark.parametrize("suite", WORKLOAD.suites())
def test_slugs_tell_cases_apart_and_parameters_round_trip(suite: str) -> None:
    cases = WORKLOAD.suites()[suite]
    assert len({case.slug for case in cases}) == len(cases)
    assert [GraphPropagationCase.from_parameters(case.model_dump(mode="json")) for case in cases] == list(cases)
