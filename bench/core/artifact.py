"""An artifact: something that is built once and used by many measurements, such as a trained network."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple, Protocol

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class Content(NamedTuple):
    """The content of an artifact."""

    arrays: Arrays
    """Arrays by name, such as the weights of a network."""
    history: Mapping[str, list[float]]
    """How it was built: for each quantity, a value for each part."""


class Build(Protocol):
    """Builds an artifact part by part; between parts it can be saved, and continued by another process."""

    @property
    def parts(self) -> int:
        """The number of parts, such as epochs."""

    @property
    def done(self) -> int:
        """The number of parts that are done."""

    def build_part(self) -> None:
        """Build one more part."""

    def state(self) -> Arrays:
        """Return all that another build of the same artifact needs to continue from here."""

    def restore(self, state: Arrays) -> None:
        """Continue from a state."""

    def content(self) -> Content:
        """Return the content, when all parts are done."""


class Artifact(ABC):
    """Says what an artifact is built from, and how. Two that are built from the same inputs are the same artifact."""

    kind: ClassVar[str]
    """What it is, such as ``network``."""

    @property
    @abstractmethod
    def inputs(self) -> Mapping[str, Any]:
        """All that decides its content, as values of JSON: data, settings, seed, and the revision of the code."""

    @property
    @abstractmethod
    def label(self) -> str:
        """A short description for people."""

    @abstractmethod
    def begin(self) -> Build:
        """Return a new build, of which no part is done."""

    @property
    def key(self) -> str:
        """A hash of its kind and its inputs."""
        text = json.dumps([self.kind, self.inputs], sort_keys=True)
        return sha256(text.encode()).hexdigest()[:16]
