"""Settings that all tests of implementations share."""

import importlib
from contextlib import suppress

import pytest


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Run PyTorch on one thread: the tests' small tensors are slow on many, and slower still beside other processes."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _triton_before_tensorflow() -> None:
    """Import Triton, which PyTorch's compiler uses, since it crashes if it is loaded after TensorFlow."""
    with suppress(ImportError):
        importlib.import_module("triton")
