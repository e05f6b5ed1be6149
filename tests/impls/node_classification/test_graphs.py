"""Readers of the graphs' files: tiny files of the same form, and the real ones where they are present."""

import gzip
import io
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from scipy.sparse import coo_matrix, csr_matrix, save_npz

from bench import datasets
from impls.node_classification import _graphs

X = np.array([[0.0, 2.0, 2.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, 1.0]], np.float32)
Y = np.array([1, 0, 2, 1])
DIRECTED = np.array([[0, 1, 3, 2], [1, 2, 0, 2]])
UNDIRECTED = [[0, 0, 1, 1, 2, 3], [1, 3, 0, 2, 1, 0]]
SPLIT = {"train": [0, 3], "valid": [1], "test": [2]}


@pytest.fixture(autouse=True)
def _empty_caches() -> None:
    _graphs._arrays.cache_clear()
    _graphs._data.cache_clear()


def use_file(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(datasets, "verify", lambda name: None)
    monkeypatch.setattr(datasets, "files", lambda name: {path.name: path})


def assert_graph(graph: _graphs.Graph) -> None:
    np.testing.assert_array_equal(graph.x, X)
    assert graph.x.dtype == np.float32
    assert graph.labels.tolist() == Y.tolist()
    assert graph.edges.tolist() == UNDIRECTED
    assert graph.classes == 3


def assert_split(graph: _graphs.Graph) -> None:
    for mask, nodes in zip((graph.train, graph.validation, graph.test), SPLIT.values(), strict=True):
        assert np.flatnonzero(mask).tolist() == nodes


def test_npz_of_sparse_matrices_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    adjacency, attributes = csr_matrix(coo_matrix((np.ones(4), DIRECTED), (4, 4))), csr_matrix(X)
    arrays = {"labels": Y}
    for name, matrix in (("adj", adjacency), ("attr", attributes)):
        arrays |= {f"{name}_{part}": getattr(matrix, part) for part in ("data", "indices", "indptr", "shape")}
    np.savez(tmp_path / "amazon_electronics_photo.npz", **arrays)
    use_file(monkeypatch, tmp_path / "amazon_electronics_photo.npz")
    # PyTorch Geometric turns features of this form into 0 or 1.
    graph = _graphs.load("amazon_photo", "random", 0)
    np.testing.assert_array_equal(graph.x, X > 0)
    assert graph.labels.tolist() == Y.tolist()
    assert graph.edges.tolist() == UNDIRECTED


def test_reddit_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data, adjacency = io.BytesIO(), io.BytesIO()
    np.savez(data, feature=X, label=Y, node_types=np.array([1, 2, 3, 1]), node_ids=np.arange(4))
    save_npz(adjacency, coo_matrix((np.ones(4), DIRECTED), (4, 4)))
    with ZipFile(tmp_path / "reddit.zip", "w") as archive:
        archive.writestr("reddit_data.npz", data.getvalue())
        archive.writestr("reddit_graph.npz", adjacency.getvalue())
    use_file(monkeypatch, tmp_path / "reddit.zip")
    graph = _graphs.load("reddit", "public", 0)
    assert_graph(graph)
    assert_split(graph)


def test_ogbn_arxiv_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tables = {"raw/node-feat": X, "raw/node-label": Y[:, None], "raw/edge": DIRECTED.T}
    tables |= {f"split/time/{part}": np.array(nodes)[:, None] for part, nodes in SPLIT.items()}
    with ZipFile(tmp_path / "arxiv.zip", "w") as archive:
        for path, table in tables.items():
            text = "\n".join(",".join(map(str, row)) for row in table.tolist())
            archive.writestr(f"arxiv/{path}.csv.gz", gzip.compress(text.encode()))
    use_file(monkeypatch, tmp_path / "arxiv.zip")
    graph = _graphs.load("ogbn_arxiv", "public", 0)
    assert_graph(graph)
    assert_split(graph)


@pytest.mark.parametrize("name", ["cora", "citeseer", "pubmed"])
def test_planetoid_graphs_have_their_published_sizes(name: str) -> None:
    if reason := _graphs.missing(name, "public"):
        pytest.skip(reason)
    graph, card = _graphs.load(name, "public", 0), datasets.card(name)
    assert (graph.nodes, graph.edges.shape[1], graph.x.shape[1], graph.classes) == (
        *(card.nodes, card.edges),
        *(card.features, card.classes),
    )
    assert (graph.train.sum(), graph.validation.sum(), graph.test.sum()) == (20 * card.classes, 500, 1000)
    sums = graph.x.sum(axis=1, dtype=np.float64)
    assert np.isclose(sums, 1).sum() + (sums == 0).sum() == graph.nodes  # some nodes of Citeseer have no word
    assert np.bincount(graph.labels[graph.train]).tolist() == [20] * card.classes
    assert not (graph.train & graph.validation | graph.train & graph.test | graph.validation & graph.test).any()
