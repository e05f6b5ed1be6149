"""What the deployments share: each runs the network of a case by one of the runtimes."""

from typing import ClassVar

import torch

from bench.core.artifact import Artifact
from bench.core.errors import UsageError
from bench.core.implementation import Implementation, with_facts
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.tensors import as_tensor
from impls.converted_models.converted_model import ConvertedModel, Example
from impls.network_inference._network import create, identity, require_valid, with_weights
from impls.network_inference.workload import NetworkInferenceCase
from impls.runtimes.catalogue import RUNTIMES


class Deployment(Implementation):
    """A network run by a runtime. A subclass states ``runtime``, a name in ``impls.runtimes.catalogue``."""

    runtime: ClassVar[str]

    def __init__(self) -> None:
        RUNTIMES[self.runtime].import_module()  # so that no process that is timed has to

    def unsupported(self, case: NetworkInferenceCase) -> str | None:
        if reason := RUNTIMES[self.runtime].unavailable():
            return reason
        try:
            require_valid(case)
        except (UsageError, ValueError) as error:
            return str(error)
        return None

    def artifacts(self, case: NetworkInferenceCase, target: Target) -> tuple[Artifact, ...]:
        return (self._model(case, target),) if self._converts(target) else ()

    def prepare(self, problem: Problem, target: Target) -> Call:
        runtime = RUNTIMES[self.runtime]
        x = as_tensor(problem.lay_out("x", (0, 2, 3, 1) if runtime.channels_last else (0, 1, 2, 3)))
        threads = len(target.cores)
        if not self._converts(target):
            return runtime.build(with_weights(problem), x, threads, target.isa)
        call, facts = self._model(problem.case, target).load(x, threads)
        return with_facts(call, facts)

    def _converts(self, target: Target) -> bool:
        return RUNTIMES[self.runtime].converts("cuda" if target.kind == "cuda" else "cpu")

    def _model(self, case: NetworkInferenceCase, target: Target) -> ConvertedModel:
        def example() -> Example:
            order = torch.channels_last if RUNTIMES[self.runtime].channels_last else torch.contiguous_format
            x = torch.zeros(case.batch, case.channels, *case.size).contiguous(memory_format=order)
            return Example(create(case), x)

        return ConvertedModel(self.runtime, identity(case), case.slug or case.network, example, target.isa)
