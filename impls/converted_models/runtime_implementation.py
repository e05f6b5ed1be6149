"""Implementations that run a network by one of the runtimes: what workloads of networks and of layers share."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bench.core.artifact import Artifact
from bench.core.implementation import Implementation, with_facts
from bench.core.layer_samples import LayerSamples
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.tensors import as_tensor
from impls.converted_models.converted_model import ConvertedModel, Example
from impls.runtimes.catalogue import RUNTIMES


class RuntimeImplementation(Implementation):
    """A network run by a runtime; the input of a problem is ``x`` (batch, channels, height, width), float32.

    A subclass states ``runtime``, a name in ``impls.runtimes.catalogue``, and what the network of a case is.
    """

    runtime: ClassVar[str]

    def __init__(self) -> None:
        RUNTIMES[self.runtime].import_module()  # so that no process that is timed has to

    @abstractmethod
    def network(self, problem: Problem) -> nn.Module:
        """Return the network of a problem, with its constants, on their device."""

    @abstractmethod
    def network_to_convert(self, case: Any) -> Any:
        """Return the network that a converter is given: a module, or the model of an ONNX file."""

    @abstractmethod
    def source(self, case: Any) -> Mapping[str, Any]:
        """Return what decides that network and the shape of its input, as values of JSON."""

    @abstractmethod
    def shape(self, case: Any) -> tuple[int, ...]:
        """Return the shape of the input."""

    def unsupported(self, case: Any) -> str | None:
        return RUNTIMES[self.runtime].unavailable()

    def artifacts(self, case: Any, target: Target) -> tuple[Artifact, ...]:
        return (self._model(case, target),) if self._converts(target) else ()

    def prepare(self, problem: Problem, target: Target) -> Call:
        runtime, x, threads = RUNTIMES[self.runtime], self._images(problem), len(target.cores)
        if not self._converts(target):
            call = runtime.build(self.network(problem), x, threads, target.isa)
            return with_facts(call, facts) if (facts := runtime.facts(call)) else call
        call, facts = self._model(problem.case, target).load(x, threads)
        return with_facts(call, facts)

    def has_layer_times(self, target: Target) -> bool:
        return RUNTIMES[self.runtime].has_layer_times and target.kind != "cuda"

    def layer_times(self, problem: Problem, target: Target, calls: int) -> list[LayerSamples]:
        runtime, x, threads = RUNTIMES[self.runtime], self._images(problem), len(target.cores)
        source = self._model(problem.case, target).read() if self._converts(target) else self.network(problem)
        return [LayerSamples(*layer) for layer in runtime.layer_times(source, x, threads, calls, target.isa)]

    def _images(self, problem: Problem) -> Tensor:
        order = (0, 2, 3, 1) if RUNTIMES[self.runtime].channels_last else (0, 1, 2, 3)
        images: Tensor = as_tensor(problem.lay_out("x", order))
        return images

    def _converts(self, target: Target) -> bool:
        return RUNTIMES[self.runtime].converts("cuda" if target.kind == "cuda" else "cpu")

    def _model(self, case: Any, target: Target) -> ConvertedModel:
        def example() -> Example:
            order = torch.channels_last if RUNTIMES[self.runtime].channels_last else torch.contiguous_format
            x = torch.zeros(self.shape(case)).contiguous(memory_format=order)
            return Example(self.network_to_convert(case), x)

        return ConvertedModel(self.runtime, self.source(case), self.label(case), example, target.isa)

    def label(self, case: Any) -> str:
        """Return a short description of the network, for people."""
        return case.slug or "default"
