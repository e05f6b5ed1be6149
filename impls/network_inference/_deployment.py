"""What the deployments share: each runs the network of a case by one of the runtimes."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from bench.core.errors import UsageError
from bench.core.workload import Problem
from impls.converted_models.runtime_implementation import RuntimeImplementation
from impls.network_inference._network import create, identity, onnx_network, require_valid, with_weights
from impls.network_inference.workload import NetworkInferenceCase
from impls.runtimes.catalogue import RUNTIMES


class Deployment(RuntimeImplementation):
    """A network run by a runtime. A subclass states ``runtime``, a name in ``impls.runtimes.catalogue``."""

    def unsupported(self, case: NetworkInferenceCase) -> str | None:
        if reason := super().unsupported(case):
            return reason
        if case.is_onnx_file and not RUNTIMES[self.runtime].takes_onnx:
            return f"it takes networks of PyTorch, and {case.network} is an ONNX file"
        try:
            require_valid(case)
        except (UsageError, ValueError) as error:
            return str(error)
        return None

    def network(self, problem: Problem) -> nn.Module:
        return with_weights(problem)

    def network_to_convert(self, case: NetworkInferenceCase) -> Any:
        return onnx_network(case).model if case.is_onnx_file else create(case)

    def source(self, case: NetworkInferenceCase) -> Mapping[str, Any]:
        return identity(case)

    def shape(self, case: NetworkInferenceCase) -> tuple[int, ...]:
        return (case.batch, case.channels, *case.size)

    def label(self, case: NetworkInferenceCase) -> str:
        return case.slug or case.network
