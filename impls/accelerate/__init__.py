"""The engine: runs PyTorch networks on the project's own kernels. It does not need the harness."""

from impls.accelerate.module import AcceleratedNetwork, accelerate

__all__ = ["AcceleratedNetwork", "accelerate"]
