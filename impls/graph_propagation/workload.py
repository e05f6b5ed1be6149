"""The propagation step of graph convolutional networks: every node gathers its neighbours' features."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bench.core.case import Case
from bench.core.record import Work
from bench.core.workload import Array, Pick, Problem
from bench.measure.operator_workload import OperatorWorkload
from impls.graph_propagation._graph import draw_edges

Passes = Literal["forward", "backward"]

INDEX_BYTES = 4
"""Bytes of an index in ``least_bytes``, whatever an implementation stores: 32 bits suffice for all these graphs."""


GRAPHS = {
    "Cora": (2_708, 5_278),
    "Citeseer": (3_327, 4_552),
    "PubMed": (19_717, 44_324),
    "Amazon Photo": (7_650, 119_081),
    "Coauthor CS": (18_333, 81_894),
    "ogbn-arxiv": (169_343, 1_157_799),
}
"""Numbers of nodes and of undirected edges, each counted once, of the graphs on which papers compare."""


class GraphPropagationCase(Case):
    """Sizes of one graph and of its features (nodes, width)."""

    nodes: int = Field(ge=1)
    edges: int = Field(ge=0, description="undirected pairs of two distinct nodes; self-loops are not counted")
    width: int = Field(ge=1)
    passes: Passes = "forward"
    dtype: Literal["float32", "float64"] = "float32"

    @model_validator(mode="after")
    def _check_edges(self) -> Self:
        if self.edges > (pairs := self.nodes * (self.nodes - 1) // 2):
            raise ValueError(f"edges={self.edges} are more than the {pairs} pairs that nodes={self.nodes} have")
        return self

    @property
    def stored(self) -> int:
        """Nonzeros of A: both directions of every edge, and the self-loops."""
        return 2 * self.edges + self.nodes

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of x and y."""
        return (self.nodes, self.width)


class GraphPropagation(OperatorWorkload):
    """Y = A X, where A = D^-1/2 (N + I) D^-1/2, N is a graph's adjacency matrix and D holds the degrees of N + I.

    Constants: ``row`` and ``col`` (stored,) int64, the nonzeros of A in the order of their rows, then columns, and
    ``weight`` (stored,), their values. The graph is synthetic and the same for every seed; see ``draw_edges``. The
    case's passes decide the input and the output:

    - forward: input ``x`` (nodes, width). Output: y, of that shape.
    - backward: input ``dy`` (nodes, width). Output: dx = A^T dy, by autograd where a library has it. A is symmetric,
      but libraries are not told so, and few ask.

    ``x``, ``dy``, ``weight`` and the output have the case's dtype.
    """

    title = "Graph propagation"
    remark = (
        "The graphs are synthetic, with degrees that follow a power law. Some have the nodes and edges of a known one: "
        + ", ".join(f"{nodes:,} and {edges:,} as {name}" for name, (nodes, edges) in GRAPHS.items())
        + "."
    )
    case_type = GraphPropagationCase
    baseline = "pyg"
    sweep = "width"

    def suites(self) -> Mapping[str, Sequence[GraphPropagationCase]]:
        suites = {
            "first": [_graph("Cora", 16), _graph("Amazon Photo", 16)],
            "quick": _quick(),
            "graphs": _graphs(),
            "graphs_backward": _graphs(passes="backward"),
            "odd": _odd(),
        }
        return suites | {"full": list(dict.fromkeys(case for cases in suites.values() for case in cases))}

    def problem(self, case: GraphPropagationCase, seed: int) -> Problem:
        """Draw a graph with exactly the case's number of edges, and standard normal features."""
        pairs = draw_edges(case.nodes, case.edges, np.random.default_rng(0))
        loops = np.arange(case.nodes)
        row, col = np.concatenate([pairs, pairs[::-1], [loops, loops]], axis=1)
        order = np.lexsort((col, row))
        row, col = row[order], col[order]
        degree = np.bincount(row).astype(np.float64)
        weight = 1 / np.sqrt(degree[row] * degree[col])
        return Problem(
            case,
            inputs=_features(case, seed),
            constants={"row": row, "col": col, "weight": weight.astype(case.dtype)},
        )

    def refill(self, problem: Problem, seed: int) -> None:
        """Draw new features only: drawing a large graph again, only to discard it, takes seconds."""
        for name, array in _features(problem.case, seed).items():
            np.copyto(problem.inputs[name], array)

    def reference(self, problem: Problem) -> Array:
        """Compute feature by feature in float64, so that no array of (stored, width) is ever needed."""
        row, col, weight = (problem.constants[name] for name in ("row", "col", "weight"))
        source, target = {"forward": (col, row), "backward": (row, col)}[problem.case.passes]
        (features,) = problem.inputs.values()
        return np.stack(
            [
                np.bincount(target, weight.astype(np.float64) * feature[source], minlength=problem.case.nodes)
                for feature in features.T.astype(np.float64, order="C")
            ],
            axis=1,
        )

    def tolerance(self, case: GraphPropagationCase) -> float:
        return {"float32": 1e-4, "float64": 1e-12}[case.dtype]

    def work(self, case: GraphPropagationCase) -> Work:
        """Count one MAC per nonzero and feature, and the bytes of x, y, and A in compressed rows with 32-bit indices.

        The normalised values count as independent data, although they follow from the degrees, and half of them from
        the other half.
        """
        itemsize = np.dtype(case.dtype).itemsize
        indices = case.stored + case.nodes + 1
        return Work(
            macs=case.stored * case.width,
            least_bytes=(2 * case.nodes * case.width + case.stored) * itemsize + indices * INDEX_BYTES,
            parameters=0,
            itemsize=itemsize,
        )

    def random_case(self, pick: Pick[Any]) -> GraphPropagationCase:
        nodes = pick([1, 2, 3, 5, 8, 17, 64, 200])
        return GraphPropagationCase(
            nodes=nodes,
            edges=min(pick([0, 1, 2, 5, 20, 100, 400]), nodes * (nodes - 1) // 2),
            width=pick([1, 2, 3, 7, 8, 16, 33]),
            passes=pick(["forward", "backward"]),
            dtype=pick(["float32", "float64"]),
        )


def _features(case: GraphPropagationCase, seed: int) -> dict[str, Array]:
    name = {"forward": "x", "backward": "dy"}[case.passes]
    return {name: np.random.default_rng(seed).standard_normal(case.shape, case.dtype)}


def _graph(name: str, width: int, **fields: Any) -> GraphPropagationCase:
    nodes, edges = GRAPHS[name]
    return GraphPropagationCase(nodes=nodes, edges=edges, width=width, **fields)


def _quick() -> list[GraphPropagationCase]:
    return [
        *(_graph("Cora", width) for width in (16, 128)),
        _graph("Amazon Photo", 16),
        _graph("Cora", 16, passes="backward"),
    ]


def _graphs(**fields: Any) -> list[GraphPropagationCase]:
    """Return every graph with the usual widths of a hidden layer."""
    return [_graph(name, width, **fields) for name in GRAPHS for width in (16, 128)]


def _odd() -> list[GraphPropagationCase]:
    """Return cases that neat implementations are not made for."""
    return [
        *(_graph("Cora", width) for width in (1, 7, 129)),
        _graph("Cora", 16, dtype="float64"),
        GraphPropagationCase(nodes=1, edges=0, width=16),
        GraphPropagationCase(nodes=20_000, edges=0, width=16),
        GraphPropagationCase(nodes=34, edges=78, width=16),
        GraphPropagationCase(nodes=200, edges=19_900, width=16),
    ]
