"""What the tests of implementations share."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """The tests' small tensors are slow on many threads, and slower still beside other processes."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
