"""Settings that all tests of implementations share."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Run PyTorch on one thread: the tests' small tensors are slow on many, and slower still beside other processes."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
