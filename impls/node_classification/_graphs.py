"""The graphs: loaded from verified files, and split into training, validation and test nodes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args
from zipfile import ZipFile

import numpy as np
import pandas as pd

from bench import datasets
from bench.core.errors import BadUse
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
"""Those that come with a split."""
SHARES = ("cora", "citeseer", "pubmed")
"""Those whose features are counts of words, taken as shares of a node's, as Kipf and Welling do (arXiv 1609.02907)."""


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
    """Why the graph cannot be had here, or not so split, with what to do; None where it can."""
    if split == "public" and name not in PUBLIC:
        return f"{name} has no public split; choose split=random"
    return datasets.verify(name)


def load(name: str, split: str, seed: int) -> Graph:
    """The graph, split as published or at random by ``seed``. Raises BadUse where its files are missing or wrong."""
    if reason := missing(name, split):
        raise BadUse(reason)
    data = _data(name)
    masks = _published(data) if split == "public" else _random(data.num_nodes, seed)
    return Graph(*_arrays(name), *masks)


@cache
def _arrays(name: str) -> tuple[Array, Array, Array]:
    """Features, edges and labels, which no split changes."""
    data = _data(name)
    x = data.x.numpy().astype(np.float32)
    edges = _undirected(data.edge_index.numpy())
    return _shares(x) if name in SHARES else x, edges, data.y.flatten().numpy().astype(np.int64)


def _published(data: "Data") -> tuple[Array, Array, Array]:
    return data.train_mask.numpy(), data.val_mask.numpy(), data.test_mask.numpy()


def _random(nodes: int, seed: int) -> tuple[Array, Array, Array]:
    """60 % for training, 20 % for validation and the rest for testing."""
    place = np.random.default_rng(seed).permutation(nodes) / nodes
    return place < 0.6, (place >= 0.6) & (place < 0.8), place >= 0.8


def _shares(x: Array) -> Array:
    """Rows divided by their sums; rows of zeros stay."""
    sums = x.sum(axis=1, keepdims=True)
    shares: Array = np.divide(x, sums, out=np.zeros_like(x), where=sums > 0)
    return shares


def _undirected(edges: Array) -> Array:
    """Each edge once in each direction, sorted, without self-loops."""
    both = np.concatenate([edges, edges[::-1]], axis=1)
    return np.unique(both[:, both[0] != both[1]], axis=1)


@cache
def _data(name: str) -> "Data":
    return _READERS[name](name)


def _karate_club(name: str) -> "Data":
    from torch_geometric.datasets import KarateClub

    return KarateClub()[0]


def _planetoid(name: str) -> "Data":
    """The files are pickles, which their format leaves no choice about: they are verified before."""
    from torch_geometric.io import read_planetoid_data

    folder = next(iter(datasets.files(name).values())).parent
    return read_planetoid_data(str(folder), name)


def _npz(name: str) -> "Data":
    from torch_geometric.io import read_npz

    (path,) = datasets.files(name).values()
    return read_npz(str(path))


def _reddit(name: str) -> "Data":
    with ZipFile(datasets.files(name)["reddit.zip"]) as archive:
        with archive.open("reddit_data.npz") as file, np.load(file) as found:
            x, y, kind = found["feature"], found["label"], found["node_types"]
        with archive.open("reddit_graph.npz") as file, np.load(file) as found:
            edges = np.stack([found["row"], found["col"]])
    return _as_data(x, y, edges, {"train_mask": kind == 1, "val_mask": kind == 2, "test_mask": kind == 3})


def _ogbn_arxiv(name: str) -> "Data":
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
