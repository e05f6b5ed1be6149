"""The layers of a model, as cases of workloads."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from bench.core.case import Case
from bench.core.errors import UsageError


class InputSize(NamedTuple):
    """The size of one input of a model."""

    name: str
    """The name of the input; empty if sizes are given in the order of the inputs."""
    shape: tuple[int, ...]

    def __str__(self) -> str:
        size = "x".join(map(str, self.shape))
        return f"{self.name}={size}" if self.name else size


class WorkloadLayers(NamedTuple):
    """The layers of a model that a workload computes, and why it does not compute others."""

    cases: Mapping[str, Case]
    """The layers that it computes, by their names in the model."""
    left_out: Mapping[str, str] = {}
    """Why it does not compute similar layers, by their names."""
    order: Sequence[str] = ()
    """All layers of the model of this kind, in the order in which they are computed."""


class Layer(BaseModel):
    """A layer of a model, with the workload and the case that measure it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    workload: str
    case: str
    """The slug of the case."""


class ModelLayers(BaseModel):
    """The layers of a model that are measured, in the model's order. Equal layers are one case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """Where the model comes from, as the user wrote it."""
    inputs: tuple[str, ...] = ()
    """The sizes of its inputs, as the user wrote them."""
    layers: tuple[Layer, ...]
    left_out: Mapping[str, str] = {}
    """Why other layers of the same kind are not among them, by name."""

    def counts(self) -> dict[tuple[str, str], int]:
        """Return how many layers each case, given by workload and slug, stands for."""
        counts: dict[tuple[str, str], int] = {}
        for layer in self.layers:
            counts[layer.workload, layer.case] = counts.get((layer.workload, layer.case), 0) + 1
        return counts


def parse_input_sizes(texts: Iterable[str]) -> tuple[InputSize, ...]:
    """Return the sizes that texts such as ``1x3x224x224`` or ``image=1x3x224x224`` describe.

    Raises:
        UsageError: where a text is not of that form.
    """
    sizes = []
    for text in texts:
        name, _, size = text.rpartition("=")
        if not re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,8})*", size):
            raise UsageError(f"--input-size {text!r} is no size; write 1x3x224x224, or NAME=1x3x224x224")
        sizes.append(InputSize(name, tuple(map(int, size.split("x")))))
    return tuple(sizes)
