"""What the implementations share: each runs the convolution, in one of two forms, by one of the runtimes."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from bench.core.workload import Problem
from impls.converted_models.runtime_implementation import RuntimeImplementation
from impls.diverse_grouped_conv2d.workload import DiverseGroupedConv2d, DiverseGroupedConv2dCase
from impls.pruning.diverse_groups import Group, diverse_groups


class Deployment(RuntimeImplementation):
    """The convolution run by a runtime. A subclass states ``runtime``, a name in ``impls.runtimes.catalogue``."""

    form: Literal["dense", "groups"] = "groups"
    """A dense convolution with weights of zero, or a smaller one for each group, with gathered inputs."""

    def network(self, problem: Problem) -> nn.Module:
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
        device = getattr(problem.constants["weight"], "device", "cpu")  # numpy's arrays say cpu too
        return network.eval().requires_grad_(False).to(device)

    def network_to_convert(self, case: DiverseGroupedConv2dCase) -> nn.Module:
        return self.network(DiverseGroupedConv2d().problem(case, 0))

    def source(self, case: DiverseGroupedConv2dCase) -> Mapping[str, Any]:
        return {"workload": "diverse_grouped_conv2d", "case": case.model_dump(mode="json"), "form": self.form}

    def shape(self, case: DiverseGroupedConv2dCase) -> tuple[int, ...]:
        return (case.batch, case.channels, *case.size)

    def label(self, case: DiverseGroupedConv2dCase) -> str:
        return f"{self.form} {super().label(case)}"
