"""Makes outputs complete when calls return, so that the work is timed and not its promise."""

import sys
from dataclasses import replace
from typing import Any

import numpy as np

from bench.core.trained import Trained
from bench.core.workload import Call

UNFINISHED = "the output still changed after the call had returned: wait in the call until its work is done"


class UnfinishedError(Exception):
    """A call returned before its work was done; the message says what to change."""


def synchronous(call: Any) -> Call:
    """Return ``call``, wrapped so that its output, arrays or tensors, is complete when it returns.

    Arrays of other libraries (``__array__``, ``__dlpack__``, the buffer protocol) are converted to numpy's inside the
    call, which waits for them. The wrapped call raises UnfinishedError for an output that cannot be waited for in one
    known way; the message says what to do.

    Raises:
        TypeError: where ``call`` is not callable.
    """
    if not callable(call):
        returned = "None" if call is None else type(call).__name__
        raise TypeError(f"prepare returned {returned}, not a callable: return the function to measure")
    if isinstance(call, Trained):
        return replace(call, predict=synchronous(call.predict))
    concrete = _concrete_types()

    def finished() -> Any:
        output = call()
        return output if type(output) in concrete else _finish(output)

    vars(finished).update(getattr(call, "__dict__", {}))
    return finished


def _concrete_types() -> frozenset[type]:
    """Return the types whose values are complete; PyTorch's are among them where it has been imported."""
    torch: Any = sys.modules.get("torch")
    return frozenset({np.ndarray} | ({torch.Tensor, torch.nn.Parameter} if torch else set()))


def _finish(output: Any) -> Any:
    kind = type(output)
    # Looked up again: the call itself may have imported PyTorch.
    if kind in _concrete_types() or output is None or isinstance(output, int | float | complex | np.generic):
        return output
    if isinstance(output, tuple):
        return tuple(_finish(part) for part in output)
    if isinstance(output, list):
        return np.asarray([_finish(part) for part in output])
    if hasattr(output, "result") or hasattr(output, "__await__"):
        raise UnfinishedError(f"the call returned a {kind.__name__}: wait for it in the call, and return its arrays")
    if hasattr(output, "__next__"):
        raise UnfinishedError(f"the call returned a {kind.__name__}: compute in the call, and return its arrays")
    torch: Any = sys.modules.get("torch")
    if torch and isinstance(output, torch.Tensor):
        raise UnfinishedError(
            f"the call returned a {kind.__name__}, a subclass of torch.Tensor, which may compute later: "
            "return a plain tensor"
        )
    if hasattr(output, "block_until_ready"):  # JAX's: calls wait in this one way, whether they also wait themselves
        output.block_until_ready()
    if hasattr(output, "__array__") or _is_buffer(output):
        return np.asarray(output)
    if hasattr(output, "__dlpack__"):
        return np.from_dlpack(output)
    raise UnfinishedError(
        f"the call returned a {kind.__name__}, which is not an array: return numpy arrays or PyTorch tensors"
    )


def require_on_host(output: Any) -> None:
    """Raise UnfinishedError where a tensor of ``output`` is not in the host's memory: a device may compute it later."""
    for part in output if isinstance(output, tuple) else (output,):
        if (device := getattr(part, "device", None)) is not None and getattr(device, "type", "cpu") != "cpu":
            raise UnfinishedError(
                f"the call returned a tensor on device {device}: return it on the CPU, which waits for it"
            )


def _is_buffer(output: Any) -> bool:
    try:
        memoryview(output)
    except TypeError:
        return False
    return True
