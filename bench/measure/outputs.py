"""The arrays of an output, which is an array or a tuple of them."""

from typing import Any

import numpy as np

from bench.core.workload import Array
from bench.measure.tensors import as_array

Output = Array | tuple[Array, ...]


def parts_of(output: Any) -> tuple[Any, ...]:
    """Return the arrays of an output as the implementation returned them."""
    return output if isinstance(output, tuple) else (output,)


def as_arrays(output: Any) -> tuple[Array, ...]:
    """Return the arrays of an output as numpy's, sharing their memory where possible."""
    return tuple(map(as_array, parts_of(output)))


def copy_output(output: Any) -> Output:
    """Return a copy of an output as it is now, which work that still runs cannot change."""
    arrays = tuple(np.array(array) for array in as_arrays(output))
    return arrays if isinstance(output, tuple) else arrays[0]


def same_bytes(before: tuple[Array, ...], now: tuple[Array, ...]) -> bool:
    """Whether arrays are equal bit by bit; NaN equals itself."""
    return all(old.tobytes() == new.tobytes() for old, new in zip(before, now, strict=True))
