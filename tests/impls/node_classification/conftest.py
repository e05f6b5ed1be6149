"""A small graph for the tests."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torch_geometric")


@pytest.fixture
def edges() -> "torch.Tensor":
    """Both directions of a path, a triangle and a chord among nodes 0 to 7; node 8 has no edge."""
    pairs = torch.tensor([[0, 1, 2, 3, 4, 4, 5, 6, 0], [1, 2, 3, 4, 5, 6, 6, 7, 7]])
    return torch.cat([pairs, pairs.flip(0)], dim=1)
