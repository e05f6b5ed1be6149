"""Graphs that are loaded from verified files and split into training, validation and test nodes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args
from zipfile import ZipFile

import numpy as np

from bench import datasets
from bench.core.errors import UsageError
from bench.core.workload import Array

if TYPE_CHECKING:
    from torch_geometric.data import Data

Name = Literal[
    "karate_club",
    "cora",
    "citeseer",
    "pubmed",
    "amazon_computers",
    "amazon_photo",
    "coauthor_cs",
    "cora_full",
    "reddit",
    "ogbn_arxiv",
]
NAMES: tuple[Name, ...] = get_args(Name)
PUBLIC = ("cora", "citeseer", "pubmed", "reddit", "ogbn_arxiv")
"""Graphs that come with a split."""
ROW_NORMALISED = ("cora", "citeseer", "pubmed")
"""Graphs whose features are counts of words, divided by their sum over the node, as in arXiv 1609.02907."""


@dataclass(frozen=True)
class Graph:
    """An undirected graph whose nodes have features and classes; arrays as ``NodeClassification`` describes them."""

    x: Array
    edges: Array
    labels: Array
    train: Array
    validation: Array
    test: Array

    @property
    def nodes(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1


def missing(name: str, split: str) -> str | None:
    """Return why the graph or its split is not available here, with what to do, or None."""
    if split == "public" and name not in PUBLIC:
        return f"{name} has no public split; choose split=random"
    return datasets.verify(name)


def load(name: str, split: str, seed: int) -> Graph:
    """Load the graph, split as published or at random by ``seed``.

    Raises:
        UsageError: where its files are missing or wrong, or it has no such split.
    """
    if reason := missing(name, split):
        raise UsageError(reason)
    data = _data(name)
    masks = _published_split(data) if split == "public" else _random_split(data.num_nodes, seed)
    return Graph(*_arrays(name), *masks)


@cache
def _arrays(name: str) -> tuple[Array, Array, Array]:
    """Return features, edges and labels, which are the same for every split."""
    data = _data(name)
    x = data.x.numpy().astype(np.float32)
    edges = _undirected(data.edge_index.numpy())
    return _normalise_rows(x) if name in ROW_NORMALISED else x, edges, data.y.flatten().numpy().astype(np.int64)


def _published_split(data: "Data") -> tuple[Array, Array, Array]:
    return data.train_mask.numpy(), data.val_mask.numpy(), data.test_mask.numpy()


def _random_split(nodes: int, seed: int) -> tuple[Array, Array, Array]:
    """Return masks of 60 % of the nodes for training, 20 % for validation and 20 % for testing."""
    quantile = np.random.default_rng(seed).permutation(nodes) / nodes
    return quantile < 0.6, (quantile >= 0.6) & (quantile < 0.8), quantile >= 0.8


def _normalise_rows(x: Array) -> Array:
    """Divide rows by their sums; rows of zeros stay."""
    sums = x.sum(axis=1, keepdims=True)
    normalised: Array = np.divide(x, sums, out=np.zeros_like(x), where=sums > 0)
    return normalised


def _undirected(edges: Array) -> Array:
    """Return each edge once in each direction, sorted, without self-loops."""
    directed = np.concatenate([edges, edges[::-1]], axis=1)
    return np.unique(directed[:, directed[0] != directed[1]], axis=1)


@cache
def _data(name: str) -> "Data":
    return _READERS[name](name)


def _karate_club(name: str) -> "Data":
    from torch_geometric.datasets import KarateClub

    return KarateClub()[0]


def _planetoid(name: str) -> "Data":
    """Read the files, which are pickles by their format: ``load`` verifies them first."""
    from torch_geometric.io import read_planetoid_data

    folder = next(iter(datasets.files(name).values())).parent
    return read_planetoid_data(str(folder), name)


def _npz(name: str) -> "Data":
    from torch_geometric.io import read_npz

    (path,) = datasets.files(name).values()
    return read_npz(str(path))


def _reddit(name: str) -> "Data":
    with ZipFile(datasets.files(name)["reddit.zip"]) as archive:
        with archive.open("reddit_data.npz") as file, np.load(file) as arrays:
            x, y, node_types = arrays["feature"], arrays["label"], arrays["node_types"]
        with archive.open("reddit_graph.npz") as file, np.load(file) as arrays:
            edges = np.stack([arrays["row"], arrays["col"]])
    masks = {"train_mask": node_types == 1, "val_mask": node_types == 2, "test_mask": node_types == 3}
    return _as_data(x, y, edges, masks)


def _ogbn_arxiv(name: str) -> "Data":
    import pandas as pd  # slow to import, and every command imports this module

    with ZipFile(datasets.files(name)["arxiv.zip"]) as archive:

        def table(path: str) -> Array:
            with archive.open(f"arxiv/{path}.csv.gz") as file:
                return pd.read_csv(file, compression="gzip", header=None).to_numpy()

        x, y, edges = table("raw/node-feat"), table("raw/node-label").flatten(), table("raw/edge").T
        parts = {f"{part}_mask": table(f"split/time/{file}").flatten() for part, file in _OGB_PARTS.items()}
    nodes = np.arange(len(y))
    return _as_data(x, y, edges, {name: np.isin(nodes, part) for name, part in parts.items()})


_OGB_PARTS = {"train": "train", "val": "valid", "test": "test"}


def _as_data(x: Array, y: Array, edges: Array, masks: dict[str, Array]) -> "Data":
    from torch import from_numpy
    from torch_geometric.data import Data

    tensors = {name: from_numpy(mask) for name, mask in masks.items()}
    return Data(x=from_numpy(x), y=from_numpy(y), edge_index=from_numpy(edges.astype(np.int64)), **tensors)


_READERS: dict[str, Callable[[str], "Data"]] = {
    "karate_club": _karate_club,
    **dict.fromkeys(("cora", "citeseer", "pubmed"), _planetoid),
    **dict.fromkeys(("amazon_computers", "amazon_photo", "coauthor_cs", "cora_full"), _npz),
    "reddit": _reddit,
    "ogbn_arxiv": _ogbn_arxiv,
}
