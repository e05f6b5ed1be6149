"""The engine: runs PyTorch networks on the project's own kernels. It does not need the harness."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from impls.accelerate.module import AcceleratedNetwork, accelerate

__all__ = ["AcceleratedNetwork", "accelerate"]


def __getattr__(name: str) -> Any:
    """Import the engine, and torch with it, only when it is used: the harness reads this package without torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from impls.accelerate import module

    return getattr(module, name)
