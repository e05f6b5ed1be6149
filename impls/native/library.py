"""The compiled kernels, and whether they are available."""

import importlib
from functools import cache
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@cache
def kernels() -> Any:
    """Import the extension module.

    Raises:
        ImportError: where it is not built.
    """
    return importlib.import_module("impls.native._kernels")


@cache
def unavailable(isa: str | None = None) -> str | None:
    """Return why the kernels cannot run on this machine, or None. ``isa`` None means the best of this processor."""
    try:
        known = kernels().isas()
    except ImportError as error:
        return f"the native kernels are not built ({error}); to build them: pip install ."
    if isa is not None and isa not in known:
        return f"no native kernels for {isa} on this processor; there are {', '.join(known)}"
    return None
