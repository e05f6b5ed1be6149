"""The compiled kernels, and whether they are there."""

import importlib
from functools import cache
from typing import Any


@cache
def kernels() -> Any:
    """The extension module; raises ImportError where it is not built."""
    return importlib.import_module("impls.native._kernels")


@cache
def unavailable(isa: str | None = None) -> str | None:
    """Why the kernels cannot run here, or None. ``isa`` None means the best that this processor has."""
    try:
        known = kernels().isas()
    except ImportError as error:
        return f"the native kernels are not built ({error}); to build them: pip install ."
    if isa is not None and isa not in known:
        return f"no native kernels for {isa} on this processor; there are {', '.join(known)}"
    return None
