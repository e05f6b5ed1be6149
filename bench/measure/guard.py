"""Guards a call against changing its inputs, and against returning before its work is done."""

import ctypes
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bench.core.trained import Trained
from bench.core.workload import Array, Call, Problem
from bench.measure.finished import UNFINISHED, UnfinishedError, require_on_host
from bench.measure.outputs import parts_of
from bench.measure.tensors import as_array

SPOT_VALUES = 64
"""Number of values of an array that are read the moment a call returns: so few that no work can finish meanwhile."""


class WroteToInputsError(Exception):
    """An implementation changed arrays that it may only read."""


def guard(call: Call, problem: Problem) -> Call:
    """Return ``call``, guarded against changed inputs and unfinished outputs.

    The returned call raises WroteToInputsError where it changes an input, and UnfinishedError where its output still
    changes or, unless the problem itself is on a device, is not in the host's memory.
    """
    on_host = all(isinstance(array, np.ndarray) for array in problem.inputs.values())

    def checked_call() -> Any:
        before = checksums(problem.inputs)
        output = call()
        at_return = _spot_values(output)  # before other threads can run
        if on_host:
            require_on_host(output)
        require_unchanged(problem.inputs, before)
        if _spot_values(output) != at_return:
            raise UnfinishedError(UNFINISHED)
        return output

    return replace(call, predict=checked_call) if isinstance(call, Trained) else checked_call


def checksums(arrays: Mapping[str, Array]) -> dict[str, int]:
    """Return a checksum of each array, by name."""
    contiguous = {name: np.ascontiguousarray(as_array(array)) for name, array in arrays.items()}
    return {name: zlib.crc32(array.view(np.uint8).data) for name, array in contiguous.items()}


def require_unchanged(arrays: Mapping[str, Array], before: Mapping[str, int]) -> None:
    """Raise WroteToInputsError unless the arrays still have the checksums of ``before``."""
    changed = [name for name, value in checksums(arrays).items() if value != before[name]]
    if changed:
        raise WroteToInputsError(f"it writes to its inputs: {', '.join(changed)} changed")


def _spot_values(output: Any) -> list[tuple[object, ...]]:
    """Return a few values of each array in the host's memory, first and last among them, as they are at this moment.

    Nothing in this function releases the GIL, as functions of numpy and PyTorch do: another Python thread could finish
    its work meanwhile.
    """
    return [_array_spot_values(part) for part in parts_of(output)]


def _array_spot_values(part: Any) -> tuple[object, ...]:
    """Return the values as bytes or text, in which NaN equals itself."""
    if isinstance(part, np.ndarray):
        last = part.size - 1
        indices = range(SPOT_VALUES)
        return tuple(repr(part.item(index * last // (SPOT_VALUES - 1))) for index in indices) if part.size else ()
    if hasattr(part, "data_ptr") and part.device.type == "cpu" and part.numel():
        start, size, last = part.data_ptr(), part.element_size(), part.untyped_storage().nbytes() - part.element_size()
        last = min(last - part.storage_offset() * size, (part.numel() - 1) * size)
        offsets = (index * last // (SPOT_VALUES - 1) // size * size for index in range(SPOT_VALUES))
        return tuple(ctypes.string_at(start + offset, size) for offset in offsets)
    return ()
