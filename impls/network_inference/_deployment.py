"""What the deployments share: each runs the network of a case by one of the runtimes."""

from typing import ClassVar

import torch
from torch import Tensor

from bench.core.artifact import Artifact
from bench.core.errors import UsageError
from bench.core.implementation import Implementation, with_facts
from bench.core.layer_times import LayerTimes
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.tensors import as_tensor
from impls.converted_models.converted_model import ConvertedModel, Example
from impls.network_inference._network import create, identity, onnx_network, require_valid, with_weights
from impls.network_inference.workload import NetworkInferenceCase
from impls.runtimes.catalogue import RUNTIMES


class Deployment(Implementation):
    """A network run by a runtime. A subclass states ``runtime``, a name in ``impls.runtimes.catalogue``."""

    runtime: ClassVar[str]

    def __init__(self) -> None:
        RUNTIMES[self.runtime].import_module()  # so that no process that is timed has to

    def unsupported(self, case: NetworkInferenceCase) -> str | None:
        runtime = RUNTIMES[self.runtime]
        if reason := runtime.unavailable():
            return reason
        if case.is_onnx_file and not runtime.takes_onnx:
            return f"it takes networks of PyTorch, and {case.network} is an ONNX file"
        try:
            require_valid(case)
        except (UsageError, ValueError) as error:
            return str(error)
        return None

    def artifacts(self, case: NetworkInferenceCase, target: Target) -> tuple[Artifact, ...]:
        return (self._model(case, target),) if self._converts(target) else ()

    def prepare(self, problem: Problem, target: Target) -> Call:
        runtime, x, threads = RUNTIMES[self.runtime], self._images(problem), len(target.cores)
        if not self._converts(target):
            return runtime.build(with_weights(problem), x, threads, target.isa)
        call, facts = self._model(problem.case, target).load(x, threads)
        return with_facts(call, facts)

    def tells_layer_times(self, target: Target) -> bool:
        return RUNTIMES[self.runtime].has_layer_times and target.kind != "cuda"

    def layer_times(self, problem: Problem, target: Target, calls: int) -> list[LayerTimes]:
        runtime, x, threads = RUNTIMES[self.runtime], self._images(problem), len(target.cores)
        source = self._model(problem.case, target).read() if self._converts(target) else with_weights(problem)
        return [LayerTimes(*layer) for layer in runtime.layer_times(source, x, threads, calls, target.isa)]

    def _images(self, problem: Problem) -> Tensor:
        order = (0, 2, 3, 1) if RUNTIMES[self.runtime].channels_last else (0, 1, 2, 3)
        images: Tensor = as_tensor(problem.lay_out("x", order))
        return images

    def _converts(self, target: Target) -> bool:
        return RUNTIMES[self.runtime].converts("cuda" if target.kind == "cuda" else "cpu")

    def _model(self, case: NetworkInferenceCase, target: Target) -> ConvertedModel:
        def example() -> Example:
            order = torch.channels_last if RUNTIMES[self.runtime].channels_last else torch.contiguous_format
            x = torch.zeros(case.batch, case.channels, *case.size).contiguous(memory_format=order)
            return Example(onnx_network(case).model if case.is_onnx_file else create(case), x)

        return ConvertedModel(self.runtime, identity(case), case.slug or case.network, example, target.isa)
