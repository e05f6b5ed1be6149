"""The artifact that is a network in the format of a runtime."""

import importlib.metadata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bench import artifacts
from bench.core.artifact import Arrays, Artifact, Content
from bench.core.workload import Call
from impls.runtimes.catalogue import RUNTIMES

REVISION = 1
"""To be raised when converters make other models of the same networks."""
MODEL = "model"
"""Name of the array that holds the model's bytes."""


class Example(NamedTuple):
    """A network, and an example of its input."""

    network: nn.Module | bytes
    """PyTorch's, or an ONNX model."""
    x: Tensor


class ConvertedModel(Artifact):
    """A network in the format of a runtime, which may be code for this processor.

    Args:
        runtime: name in ``impls.runtimes``, of one that converts.
        source: what decides the network and the shape of its input, as values of JSON.
        name: a short description of the network, for people.
        example: returns the network and an input of that shape.
        isa: the instruction set to stay within; None: the processor's own.
    """

    kind = "converted_model"

    def __init__(
        self, runtime: str, source: Mapping[str, Any], name: str, example: Callable[[], Example], isa: str | None
    ) -> None:
        self.runtime, self.source, self.name, self.example, self.isa = runtime, source, name, example, isa

    @property
    def inputs(self) -> Mapping[str, Any]:
        runtime = RUNTIMES[self.runtime]
        return {
            "runtime": self.runtime,
            "source": dict(self.source),
            "versions": {name: importlib.metadata.version(name) for name in ("torch", *runtime.requires)},
            "processor": [_processor(), self.isa] if runtime.takes_isa else None,
            "revision": REVISION,
        }

    @property
    def label(self) -> str:
        return f"{self.runtime} {self.name}"

    def begin(self) -> "Conversion":
        return Conversion(self)

    def load(self, x: Tensor, threads: int) -> tuple[Call, Mapping[str, str]]:
        """Return the call that the runtime makes of the model (see ``Runtime.load``), and facts about the model.

        Raises:
            RunError: where it is not built, or damaged.
        """
        model, runtime = self.read(), RUNTIMES[self.runtime]
        return runtime.load(model, x, threads), runtime.facts(model)

    def read(self) -> bytes:
        """Return the model in the runtime's format.

        Raises:
            RunError: where it is not built, or damaged.
        """
        return artifacts.load(self).arrays[MODEL].tobytes()


class Conversion:
    """Converts a network, in one part."""

    parts = 1

    def __init__(self, converted: ConvertedModel) -> None:
        self._converted = converted
        self._arrays: Arrays = {}

    @property
    def done(self) -> int:
        return len(self._arrays)

    def build_part(self) -> None:
        network, x = self._converted.example()
        model = RUNTIMES[self._converted.runtime].convert(network, x, self._converted.isa)
        self._arrays = {MODEL: np.frombuffer(model, np.uint8)}

    def state(self) -> Arrays:
        return self._arrays

    def restore(self, state: Arrays) -> None:
        self._arrays = state

    def content(self) -> Content:
        return Content(self._arrays, {})


def _processor() -> str:
    """Return the processor's name, and the instruction set that PyTorch uses."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown'}, {torch.backends.cpu.get_cpu_capability()}"
