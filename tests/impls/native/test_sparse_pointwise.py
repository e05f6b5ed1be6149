"""The native sparse pointwise convolution and its gradients, against float64."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.core.workload import Array
from impls.native.library import kernels, unavailable
from impls.native.sparse_pointwise import SparsePointwise

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

ERROR = 1e-6
"""Largest error relative to the largest sum of magnitudes, since the sum itself may cancel to almost nothing."""


@st.composite
def channel_choices(draw: st.DrawFn) -> tuple[NDArray[np.int64], int]:
    """Draw the channels that each filter reads, which need not be neighbours, and the number of input channels."""
    cin, cout = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    width = draw(st.integers(1, cin))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    if draw(st.booleans()):
        starts = random.integers(0, cin, cout)
        return (starts[:, None] + np.arange(width)) % cin, cin
    return np.stack([random.permutation(cin)[:width] for _ in range(cout)]), cin


def reference(x: Array, weight: Array, bias: Array, dy: Array, channels: NDArray[np.int64]) -> dict[str, Array]:
    x, weight, bias, dy = (array.astype(np.float64) for array in (x, weight, bias, dy))
    dense = np.zeros((weight.shape[0], x.shape[1]))
    np.put_along_axis(dense, channels, weight, axis=1)
    return {
        "y": np.einsum("oc,nchw->nohw", dense, x) + bias[:, None, None],
        "dx": np.einsum("oc,nohw->nchw", dense, dy),
        "dweight": np.take_along_axis(np.einsum("nohw,nchw->oc", dy, x), channels, axis=1),
    }


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(
    chosen=channel_choices(),
    sizes=st.tuples(st.integers(1, 20), st.integers(1, 9), st.integers(1, 40)),
    threads=st.sampled_from([1, 2, 3]),
)
def test_random_choices_of_channels_match_the_reference(
    chosen: tuple[NDArray[np.int64], int], sizes: tuple[int, int, int], threads: int
) -> None:
    channels, cin = chosen
    n, *size = sizes
    random = np.random.default_rng(0)
    x = random.standard_normal((n, cin, *size), np.float32)
    weight = random.standard_normal(channels.shape, np.float32)
    bias = random.standard_normal(len(channels), np.float32)
    dy = random.standard_normal((n, len(channels), *size), np.float32)
    expected = reference(x, weight, bias, dy, channels)
    magnitudes = reference(*(np.abs(array) for array in (x, weight, bias, dy)), channels)
    for isa in kernels().isas():
        layer = SparsePointwise(channels, cin, isa, threads)
        outputs = {
            "y": layer.convolve(x, weight, bias),
            "dx": layer.input_gradient(dy, weight),
            "dweight": layer.weight_gradient(x, dy),
        }
        for name, array in outputs.items():
            assert np.abs(array - expected[name]).max() <= ERROR * magnitudes[name].max(), (isa, name)
        np.testing.assert_array_equal(layer.packed(weight, bias, x[0, 0].size)(x), outputs["y"])


def test_earlier_calls_leave_no_trace_in_later_ones() -> None:
    """More images and NaN in an earlier call do not change the outputs of a later one."""
    channels = (np.arange(6)[:, None] * 2 + np.arange(4)) % 12
    random = np.random.default_rng(0)
    weight = random.standard_normal(channels.shape, np.float32)
    layer, fresh = SparsePointwise(channels, 12), SparsePointwise(channels, 12)
    for n in (7, 3):
        x, dy = (random.standard_normal((n, planes, 3, 3), np.float32) for planes in (12, 6))
        bad_x, bad_dy = (np.full((9, planes, 3, 3), np.nan, np.float32) for planes in (12, 6))
        layer.convolve(bad_x, weight, None)
        layer.weight_gradient(bad_x, bad_dy)
        np.testing.assert_array_equal(layer.convolve(x, weight, None), fresh.convolve(x, weight, None))
        np.testing.assert_array_equal(layer.weight_gradient(x, dy), fresh.weight_gradient(x, dy))


def test_threads_do_not_get_each_others_weights() -> None:
    channels = (np.arange(6)[:, None] * 2 + np.arange(4)) % 12
    random = np.random.default_rng(0)
    x = random.standard_normal((1, 12, 3, 3), np.float32)
    weights = [random.standard_normal(channels.shape, np.float32) for _ in range(2)]
    shared = SparsePointwise(channels, 12)
    expected = [SparsePointwise(channels, 12).convolve(x, weight, None) for weight in weights]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(2) as pool:
            outputs = list(pool.map(lambda i: shared.convolve(x, weights[i % 2], None), range(12000)))
    finally:
        sys.setswitchinterval(before)
    for i, y in enumerate(outputs):
        np.testing.assert_array_equal(y, expected[i % 2])


@pytest.mark.parametrize("keep", [(True, True), (True, False), (False, True)], ids=str)
@pytest.mark.parametrize("index", [(0, 0), (2, 1), (5, 3)], ids=str)
@pytest.mark.parametrize("value", [3.5, -0.0, np.nan])
def test_kept_weights_give_outputs_equal_bit_by_bit(
    value: float, index: tuple[int, int], keep: tuple[bool, bool]
) -> None:
    channels = (np.arange(6)[:, None] * 2 + np.arange(4)) % 12
    random = np.random.default_rng(0)
    x = random.standard_normal((2, 12, 3, 3), np.float32)
    weight, bias = np.zeros(channels.shape, np.float32), random.standard_normal(6, np.float32)
    layer = SparsePointwise(channels, 12)

    def convolved(weight: Array, bias: Array | None) -> Array:
        return SparsePointwise(channels, 12).convolve(x, weight, bias)

    layer.convolve(x, weight, bias, keep[0])
    weight[index] = value
    np.testing.assert_array_equal(layer.convolve(x, weight, bias, keep[1]), convolved(weight, bias))
    for other in (bias, 2 * bias, None):
        np.testing.assert_array_equal(layer.convolve(x, weight, other, True), convolved(weight, other))


def test_weights_are_kept_only_on_request() -> None:
    pattern = kernels().CsrPattern(inputs=2, starts=[0, 2], columns=[0, 1], entries=[0, 1], order=[0])
    product = kernels().SparsePointwise(pattern, 20, kernels().isas()[0], 1)
    weight, bytes_before = np.ones((1, 2), np.float32), product.packed_bytes
    for keep in (True, True, False):
        product.pack(weight, None, keep)
        assert product.packed_bytes == bytes_before + (weight.nbytes if keep else 0)


@pytest.mark.parametrize(("n", "height"), [(0, 4), (2, 0)])
def test_empty_batches_and_images_give_empty_outputs_and_zero_gradients(n: int, height: int) -> None:
    layer = SparsePointwise(np.array([[0, 1], [1, 2]]), 3)
    weight, x, dy = (np.zeros(shape, np.float32) for shape in [(2, 2), (n, 3, height, 5), (n, 2, height, 5)])
    assert layer.convolve(x, weight, None).shape == (n, 2, height, 5)
    assert layer.input_gradient(dy, weight).shape == x.shape
    np.testing.assert_array_equal(layer.weight_gradient(x, dy), weight)


X, WEIGHT = np.zeros((2, 3, 4, 5), np.float32), np.zeros((2, 2), np.float32)


@pytest.mark.parametrize(
    ("x", "weight", "bias", "kind", "words"),
    [
        (X.astype(np.float64), WEIGHT, None, TypeError, "^arrays must be C-contiguous float32: [^\\n]*$"),
        (X.transpose(0, 1, 3, 2), WEIGHT, None, TypeError, "^arrays must be C-contiguous float32: [^\\n]*$"),
        (X[:, :2].copy(), WEIGHT, None, ValueError, "other planes or positions"),
        (X, WEIGHT[:1], None, ValueError, "the weight has another size"),
        (X, WEIGHT, np.zeros(3, np.float32), ValueError, "one number for each output"),
    ],
)
def test_arrays_of_wrong_type_or_shape_are_refused(
    x: Array, weight: Array, bias: Array | None, kind: type[Exception], words: str
) -> None:
    layer = SparsePointwise(np.array([[0, 1], [1, 2]]), 3)
    with pytest.raises(kind, match=words):
        layer.convolve(x, weight, bias)


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": [0, 3, 1, 2]},
        {"starts": [0, 2, 3]},
        {"entries": [0, 1, 2, 4]},
        {"order": [0, 2]},
        {"starts": [0, 5, 4]},
    ],
)
def test_impossible_patterns_are_refused(changes: dict[str, Any]) -> None:
    valid: dict[str, Any] = {"inputs": 3, "starts": [0, 2, 4], "columns": [0, 1, 1, 2], "entries": [0, 1, 2, 3]}
    with pytest.raises(ValueError, match="not a pattern"):
        kernels().CsrPattern(**({"order": [0, 1]} | valid | changes))


def test_frozen_weights_cannot_be_packed_again() -> None:
    layer = SparsePointwise(np.array([[0, 1], [1, 2]]), 3)
    packed = layer.packed(np.ones((2, 2), np.float32), None, 20)
    with pytest.raises(ValueError, match="frozen"):
        packed.pack(WEIGHT, None)
    np.testing.assert_array_equal(packed(np.ones_like(X)), np.full((2, 2, 4, 5), 2, np.float32))
