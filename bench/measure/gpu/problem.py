"""Problems in a GPU's memory."""

from typing import Any

import numpy as np

from bench.core.workload import Array, Problem
from bench.measure.tensors import as_array, as_tensor


class DeviceProblem(Problem):
    """A problem whose inputs and constants are PyTorch tensors on a device."""

    @classmethod
    def of(cls, problem: Problem, device: str) -> "DeviceProblem":
        """Return ``problem`` in memory of its own on ``device``."""
        inputs, constants = (
            {name: as_tensor(np.ascontiguousarray(array)).to(device, copy=True) for name, array in arrays.items()}
            for arrays in (problem.inputs, problem.constants)
        )
        return cls(problem.case, inputs, constants)

    def lay_out(self, name: str, order: tuple[int, ...]) -> Array:
        stored: Any = self.inputs[name]
        inverse = np.argsort(order).tolist()
        self.inputs[name] = stored.permute(order).contiguous().permute(inverse)
        return self.inputs[name]

    def refill(self, fresh: Problem) -> None:
        tensors: dict[str, Any] = self.inputs
        for name, tensor in tensors.items():
            tensor.copy_(as_tensor(fresh.inputs[name]))

    def on_host(self) -> Problem:
        inputs, constants = (
            {name: as_array(tensor) for name, tensor in arrays.items()} for arrays in (self.inputs, self.constants)
        )
        return Problem(self.case, inputs, constants)
