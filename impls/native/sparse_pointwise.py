"""Pointwise convolution whose filters read different channels, and its gradients."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impls.native.library import Array, kernels


class SparsePointwise:
    """Y[:, i] = sum_k W[i, k] X[:, channels[i, k]] (+ b[i]), in float32.

    ``channels`` is (cout, width), each row without repetition; x is (n, cin, image height, image width), weight
    (cout, width), bias (cout,) or None. Arrays must be C-contiguous; outputs are new ones.

    Filters that have channels in common are computed together, over all channels that any of them reads, with a weight
    of zero for those that a filter does not read. An infinite number or NaN in such a channel makes that filter's
    output NaN too. Calls from several threads wait for each other, since they share workspaces, which are kept.

    Raises:
        TypeError: where an array is not C-contiguous or not float32.
        ValueError: where shapes do not fit.
    """

    def __init__(self, channels: NDArray[np.int64], cin: int, isa: str | None = None, threads: int = 1) -> None:
        self.isa, self.threads = isa or kernels().isas()[0], threads
        self._channels, self._cin = channels, cin
        self._products: dict[tuple[bool, int], Any] = {}
        self._gradient: Any = None
        self._lock = Lock()

    def packed(self, weight: Array, bias: Array | None, positions: int) -> Any:
        """Return a function from x to Y with these weights, packed once.

        Images must have ``positions`` (height x width) positions.
        """
        pattern = _csr_by_filter(self._channels, self._cin)
        product = kernels().SparsePointwise(pattern, positions, self.isa, self.threads)
        product.pack(weight, bias)
        product.freeze()
        return product

    def convolve(self, x: Array, weight: Array, bias: Array | None, keep: bool = False) -> Array:
        """Compute Y (n, cout, height, width).

        With ``keep``, weights that equal, bit by bit, those of the last call on as many positions stay packed.
        """
        return self._multiply(x, weight, bias, forward=True, keep=keep)

    def input_gradient(self, dy: Array, weight: Array) -> Array:
        """Compute dX (n, cin, height, width), for each channel summed over all filters that read it."""
        return self._multiply(dy, weight, None, forward=False, keep=False)

    def weight_gradient(self, x: Array, dy: Array) -> Array:
        """Compute dW (cout, width), summed over images and positions."""
        dweight = np.empty(self._channels.shape, np.float32)
        with self._lock, _clear_type_errors():
            if self._gradient is None:
                pattern = _csr_by_filter(self._channels, self._cin)
                self._gradient = kernels().SparsePointwiseGradient(pattern, self.isa, self.threads)
            self._gradient(x, dy, dweight)
        return dweight

    def _multiply(self, x: Array, weight: Array, bias: Array | None, forward: bool, keep: bool) -> Array:
        key = (forward, x.shape[2] * x.shape[3])
        with self._lock, _clear_type_errors():
            if key not in self._products:
                pattern = (_csr_by_filter if forward else _csr_by_channel)(self._channels, self._cin)
                self._products[key] = kernels().SparsePointwise(pattern, key[1], self.isa, self.threads)
            product = self._products[key]
            product.pack(weight, bias, keep)  # the lock keeps other threads from packing theirs before the product
            y: Array = product(x)
        return y


@contextmanager
def _clear_type_errors() -> Iterator[None]:
    try:
        yield
    except TypeError:
        raise TypeError(
            "arrays must be C-contiguous float32: inputs and gradients of outputs with 4 dimensions, weights with 2, "
            "the bias with 1"
        ) from None


def _csr_by_filter(channels: NDArray[np.int64], cin: int) -> Any:
    """Return the matrix with a row for each filter, ordered by each filter's first channel."""
    cout, width = channels.shape
    ascending = np.argsort(channels, axis=1)
    return kernels().CsrPattern(
        inputs=cin,
        starts=_integers(np.arange(cout + 1) * width),
        columns=_integers(np.take_along_axis(channels, ascending, axis=1)),
        entries=_integers(np.arange(cout)[:, None] * width + ascending),
        order=_integers(np.argsort(channels[:, 0], kind="stable")),
    )


def _csr_by_channel(channels: NDArray[np.int64], cin: int) -> Any:
    """Return the transposed matrix, with a row for each channel."""
    cout, width = channels.shape
    filters = np.repeat(np.arange(cout), width)
    by_channel = np.argsort(channels.ravel(), kind="stable")
    return kernels().CsrPattern(
        inputs=cout,
        starts=_integers(np.cumsum([0, *np.bincount(channels.ravel(), minlength=cin)])),
        columns=_integers(filters[by_channel]),
        entries=_integers(by_channel),
        order=list(range(cin)),
    )


def _integers(array: NDArray[np.int64]) -> list[int]:
    integers: list[int] = array.ravel().tolist()
    return integers
