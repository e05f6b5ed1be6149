"""Products of a fixed sparse matrix with dense ones by PyTorch's CSR kernels, forward and backward."""

from typing import Any, Self

import torch
from torch import Tensor


class Sparse:
    """A matrix in CSR, stored with its transpose, so that neither the forward nor the backward pass sorts anything."""

    def __init__(self, rows: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> None:
        """Sort the non-zeros, given in any order; ``rows``, ``columns`` (int64) and ``values`` have one length."""
        order = torch.argsort(rows * shape[1] + columns)
        self._transpose_order = torch.argsort(columns[order] * shape[0] + rows[order])
        """Indices of the transpose's values among this matrix's."""
        self._pointers = _pointers(rows, shape[0]), _pointers(columns, shape[1])
        self._columns = columns[order], rows[order][self._transpose_order]
        self._values = values[order]
        self.shape = shape

    @classmethod
    def from_dense(cls, dense: Tensor) -> Self:
        rows, columns = dense.nonzero(as_tuple=True)
        return cls(rows, columns, dense[rows, columns], (dense.shape[0], dense.shape[1]))

    def __matmul__(self, dense: Tensor) -> Tensor:
        """Return the product with ``dense`` (columns, width), which alone has a gradient."""
        product: Tensor = _Product.apply(self, dense)  # type: ignore[no-untyped-call]
        return product

    def dropout(self, p: float) -> "Sparse":
        """Return the matrix with a fraction ``p`` of its entries zeroed at random, and the others scaled up.

        PyTorch's generator draws the entries.
        """
        dropped = object.__new__(Sparse)
        dropped.__dict__.update(self.__dict__)
        dropped._values = torch.nn.functional.dropout(self._values, p)
        return dropped

    def csr(self) -> Tensor:
        return _csr(self._pointers[0], self._columns[0], self._values, self.shape)

    def transposed_csr(self) -> Tensor:
        return _csr(self._pointers[1], self._columns[1], self._values[self._transpose_order], self.shape[::-1])


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: Sparse, dense: Tensor) -> Tensor:
        ctx.matrix = matrix
        return matrix.csr() @ dense

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, ctx.matrix.transposed_csr() @ gradients[0]


def _pointers(rows: Tensor, count: int) -> Tensor:
    return torch.cat([torch.zeros(1, dtype=torch.int64), torch.bincount(rows, minlength=count).cumsum(0)])


def _csr(pointers: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    return torch.sparse_csr_tensor(pointers, columns, values, shape, check_invariants=False)
