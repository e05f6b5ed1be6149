"""Converts between numpy's arrays and PyTorch's tensors, which may lie on a GPU and whose bfloat16 numpy lacks.

PyTorch is not imported here: code that has a tensor has imported it.
"""

import sys
from typing import Any

import ml_dtypes
import numpy as np

from bench.core.workload import Array

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def as_array(part: Any) -> Array:
    """Return a tensor or anything like an array as a numpy array, in the same memory unless that is a GPU's."""
    if not hasattr(part, "detach"):
        return np.asarray(part)
    tensor = part.detach().cpu()
    torch: Any = sys.modules["torch"]
    if tensor.dtype == torch.bfloat16:
        bits: Array = tensor.view(torch.int16).numpy()
        return bits.view(BFLOAT16)
    return np.asarray(tensor)


def as_tensor(array: Any) -> Any:
    """Return an array as a tensor in the same memory; a tensor is returned as it is."""
    torch: Any = sys.modules["torch"]
    if isinstance(array, torch.Tensor):
        return array
    if array.dtype == BFLOAT16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def fill_with_nan(part: Any, readable: list[Any]) -> None:
    """Fill an array or a tensor with NaN, unless it shares memory with one of ``readable``, which may only be read."""
    if all(hasattr(other, "untyped_storage") for other in (part, *readable)):
        torch: Any = sys.modules["torch"]
        with torch.inference_mode():  # otherwise tensors created in this mode cannot be written to
            if part.untyped_storage().data_ptr() not in {other.untyped_storage().data_ptr() for other in readable}:
                part.detach().fill_(np.nan)
        return
    array = as_array(part)
    if array.flags.writeable and not any(np.shares_memory(array, other) for other in readable):
        array.fill(np.nan)
