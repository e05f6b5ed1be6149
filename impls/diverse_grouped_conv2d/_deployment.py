"""What the implementations share: each runs the convolution, in one of two forms, by one of the runtimes."""

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import nn

from bench.core.artifact import Artifact
from bench.core.implementation import Implementation, with_facts
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure.tensors import as_tensor
from impls.converted_models.converted_model import ConvertedModel, Example
from impls.diverse_grouped_conv2d.workload import DiverseGroupedConv2d, DiverseGroupedConv2dCase
from impls.pruning.diverse_groups import Group, diverse_groups
from impls.runtimes.catalogue import RUNTIMES


class Deployment(Implementation):
    """The convolution run by a runtime. A subclass states ``runtime``, a name in ``impls.runtimes.catalogue``."""

    runtime: ClassVar[str]
    form: Literal["dense", "groups"] = "groups"
    """A dense convolution with weights of zero, or a smaller one for each group, with gathered inputs."""

    def __init__(self) -> None:
        RUNTIMES[self.runtime].import_module()  # so that no process that is timed has to

    def unsupported(self, case: DiverseGroupedConv2dCase) -> str | None:
        return RUNTIMES[self.runtime].unavailable()

    def artifacts(self, case: DiverseGroupedConv2dCase, target: Target) -> tuple[Artifact, ...]:
        return (self._model(case, target),) if self._converts(target) else ()

    def prepare(self, problem: Problem, target: Target) -> Call:
        runtime = RUNTIMES[self.runtime]
        x = as_tensor(problem.lay_out("x", (0, 2, 3, 1) if runtime.channels_last else (0, 1, 2, 3)))
        threads = len(target.cores)
        if not self._converts(target):
            return runtime.build(self._network(problem).to(x.device), x, threads, target.isa)
        call, facts = self._model(problem.case, target).load(x, threads)
        return with_facts(call, facts)

    def _converts(self, target: Target) -> bool:
        return RUNTIMES[self.runtime].converts("cuda" if target.kind == "cuda" else "cpu")

    def _network(self, problem: Problem) -> nn.Module:
        case: DiverseGroupedConv2dCase = problem.case
        host = problem.on_host().constants
        dense = nn.Conv2d(case.channels, case.channels, case.kernel, padding=case.kernel // 2, bias=False)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(host["weight"]))
        network: nn.Module = dense
        if self.form == "groups":
            groups = [
                Group(np.flatnonzero(host["group"] == index).tolist(), np.flatnonzero(reads).tolist())
                for index, reads in enumerate(host["reads"])
            ]
            network = diverse_groups(dense, groups)
        return network.eval().requires_grad_(False)

    def _model(self, case: DiverseGroupedConv2dCase, target: Target) -> ConvertedModel:
        def example() -> Example:
            order = torch.channels_last if RUNTIMES[self.runtime].channels_last else torch.contiguous_format
            x = torch.zeros(case.batch, case.channels, *case.size).contiguous(memory_format=order)
            return Example(self._network(DiverseGroupedConv2d().problem(case, 0)), x)

        source = {"workload": "diverse_grouped_conv2d", "case": case.model_dump(mode="json"), "form": self.form}
        return ConvertedModel(self.runtime, source, f"{self.form} {case.slug or 'default'}", example, target.isa)
