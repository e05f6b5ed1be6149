"""The engine: runs a PyTorch network on the project's own kernels, without the harness."""

from impls.accelerate.module import AcceleratedNetwork, accelerate

__all__ = ["AcceleratedNetwork", "accelerate"]
