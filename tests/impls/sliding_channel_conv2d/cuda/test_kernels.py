"""The kernels, compared with float64 on an emulated GPU and, where there is one, on a real GPU."""

import re
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.convolution import Convolution
from impls.sliding_channel_conv2d.cuda.formats import format_of
from impls.sliding_channel_conv2d.cuda.published import Published

WIDEST = {"float32": 4, "tf32": 4, "float16": 8, "bfloat16": 8}
"""Numbers in 16 bytes."""
ERROR = {"float32": 1e-6, "tf32": 1e-3, "float16": 1e-3, "bfloat16": 5e-3}
"""Largest error of a number, relative to the sum of the magnitudes of the products in it."""
LEAST = 6e-8
"""The step between the smallest numbers of float16, for which no relative error holds."""


@st.composite
def shapes(draw):
    """Draw windows and the sizes (n, h, w) of an input."""
    cg = draw(st.sampled_from([1, 2, 3, 4, 8]))
    cin = cg * draw(st.sampled_from([1, 2, 3, 5, 8, 16, 20]))
    cout = draw(st.sampled_from([1, 3, 8, 37, 64, 65, 130]))
    co = Fraction(draw(st.sampled_from(["0", "1/4", "1/2", "3/4", "33/100", "2/7", "99/100"])))
    sizes = draw(st.sampled_from([0, 1, 2, 3])), draw(st.integers(1, 9)), draw(st.integers(1, 17))
    return Windows(cin, cout, cg, co), sizes


GAPS = Windows(16, 130, 2, Fraction(0)), (1, 1, 2)
"""A tile of this layer has every second filter: they ascend, the first is 0, and none are neighbours."""


class Layer:
    """The tensors of one layer, and its expected outputs in float64."""

    def __init__(self, gpu, name, shape, seed, layout):
        self.windows, (n, h, w) = shape
        self.name = name
        dtype = torch.float32 if name == "tf32" else getattr(torch, name)
        self.format = format_of(dtype, tf32=name == "tf32")
        random = torch.Generator().manual_seed(seed)

        def random_tensor(*shape):
            return torch.randn(*shape, generator=random).to(gpu.device, dtype)

        self.x = laid_out(random_tensor(n, self.windows.cin, h, w), layout)
        self.dy = laid_out(random_tensor(n, self.windows.cout, h, w), layout)
        self.weight = random_tensor(self.windows.cout, self.windows.width)
        self.bias = random_tensor(self.windows.cout)
        self._channels = torch.from_numpy(self.windows.channels).to(gpu.device)
        self.matrix = self.weight.new_zeros(self.windows.cout, self.windows.cin, dtype=torch.float64)
        self.matrix.scatter_(1, self._channels, self.weight.double())

    def convolution(self, launcher):
        return Convolution(self.windows, self.format, launcher)

    def expected(self, bias=None):
        """Return y, dx, dweight and dbias, each with the magnitude that its error is relative to."""
        x, dy, matrix = self.x.double(), self.dy.double(), self.matrix
        added = self.matrix.new_zeros(()) if bias is None else bias.double()[:, None, None]
        return [
            (forward(matrix, x) + added, forward(matrix.abs(), x.abs()) + added.abs()),
            (forward(matrix.T, dy), forward(matrix.T.abs(), dy.abs())),
            tuple(
                torch.einsum("nohw,nchw->oc", *images).gather(1, self._channels)
                for images in ((dy, x), (dy.abs(), x.abs()))
            ),
            (dy.sum((0, 2, 3)), dy.abs().sum((0, 2, 3))),
        ]

    def split_parameters(self, parameters):
        """Split the gradients of the parameters into those of the weight and those of the bias."""
        parts = parameters.split([self.weight.numel(), self.bias.numel()])
        return [part.view(like.shape) for part, like in zip(parts, (self.weight, self.bias), strict=True)]

    def assert_close(self, output, expected_and_magnitude):
        expected, magnitude = expected_and_magnitude
        assert output.shape == expected.shape
        assert output.dtype == self.x.dtype
        assert ((output.double() - expected).abs() <= ERROR[self.name] * magnitude + LEAST).all()


def forward(matrix, x):
    return torch.einsum("oc,nchw->nohw", matrix, x)


def laid_out(tensor, layout):
    """As NCHW, with channels last, or as every other pixel of something larger."""
    if layout == "channels last":
        return tensor.contiguous(memory_format=torch.channels_last)
    return tensor.repeat_interleave(2, 3)[..., ::2] if layout == "strided" else tensor


@pytest.mark.parametrize("layout", ["NCHW", "channels last", "strided"])
@pytest.mark.parametrize("name", ERROR)
@settings(max_examples=12, deadline=None)
@given(shape=shapes(), seed=st.integers(0, 99), bias=st.booleans(), reverse=st.booleans(), split_k=st.integers(1, 5))
@example(shape=GAPS, seed=0, bias=False, reverse=False, split_k=1)
def test_outputs_and_gradients_are_close_to_float64(gpu, name, layout, shape, seed, bias, reverse, split_k):
    gpu.reverse, gpu.multiprocessors = reverse, split_k
    layer = Layer(gpu, name, shape, seed, layout)
    added = layer.bias if bias else None
    convolution, (y, dx, *gradients) = layer.convolution(gpu), layer.expected(added)
    layer.assert_close(convolution.forward(layer.x, layer.weight, added), y)
    layer.assert_close(convolution.input_gradient(layer.dy, layer.weight), dx)
    layer.assert_close(convolution.weight_gradient(layer.dy, layer.x), gradients[0])
    parameter_gradients = layer.split_parameters(convolution.parameter_gradients(layer.dy, layer.x))
    for gradient, expected in zip(parameter_gradients, gradients, strict=True):
        layer.assert_close(gradient, expected)


@pytest.mark.parametrize("name", ERROR)
def test_parameters_may_be_strided_and_images_may_differ_in_layout(gpu, name):
    layer = Layer(gpu, name, (Windows(16, 24, 2, Fraction(1, 2)), (2, 4, 4)), 0, "NCHW")
    convolution, (y, dx, dw, _) = layer.convolution(gpu), layer.expected(layer.bias)
    weight, bias = layer.weight.T.contiguous().T, layer.bias.repeat_interleave(2)[::2]
    assert not weight.is_contiguous()
    layer.assert_close(convolution.forward(layer.x, weight, bias), y)
    layer.assert_close(convolution.input_gradient(layer.dy, weight), dx)
    last = layer.dy.contiguous(memory_format=torch.channels_last)
    layer.assert_close(convolution.weight_gradient(last, layer.x), dw)
    layer.assert_close(convolution.weight_gradient(layer.dy, laid_out(layer.x, "channels last")), dw)


@pytest.mark.parametrize("vector", [1, 2, 4, 8])
@pytest.mark.parametrize("layout", ["NCHW", "channels last"])
@pytest.mark.parametrize("name", ERROR)
def test_as_many_neighbours_as_fit_are_loaded_together(gpu, name, layout, vector):
    layer = Layer(gpu, name, (Windows(3 * vector, 5 * vector, 3, Fraction(1, 2)), (2, 3, vector)), 0, layout)
    convolution, (y, dx, dw, db) = layer.convolution(gpu), layer.expected()
    gpu.launched.clear()
    layer.assert_close(convolution.forward(layer.x, layer.weight, None), y)
    layer.assert_close(convolution.input_gradient(layer.dy, layer.weight), dx)
    parameter_gradients = layer.split_parameters(convolution.parameter_gradients(layer.dy, layer.x))
    for gradient, expected in zip(parameter_gradients, (dw, db), strict=True):
        layer.assert_close(gradient, expected)
    assert vectors(gpu) == [min(vector, WIDEST[name])] * 3


@pytest.mark.parametrize("vector", [1, 2, 4, 8])
@pytest.mark.parametrize("layout", ["NCHW", "channels last"])
@pytest.mark.parametrize("name", ERROR)
def test_images_need_not_be_aligned(gpu, name, layout, vector):
    layer = Layer(gpu, name, (Windows(16, 24, 2, Fraction(1, 2)), (2, 4, 4)), 0, layout)
    memory = layer.x.new_empty(layer.x.numel() + vector)
    shifted = memory[vector:].as_strided(layer.x.shape, layer.x.stride()).copy_(layer.x)
    convolution, (y, _, dw, _) = layer.convolution(gpu), layer.expected()
    gpu.launched.clear()
    layer.assert_close(convolution.forward(shifted, layer.weight, None), y)
    layer.assert_close(convolution.weight_gradient(layer.dy, shifted), dw)
    assert vectors(gpu) == [min(vector, WIDEST[name])] * 2


def test_with_channels_last_the_number_of_outputs_may_be_odd(gpu):
    layer = Layer(gpu, "float16", (Windows(16, 37, 2, Fraction(1, 2)), (2, 3, 3)), 0, "channels last")
    gpu.launched.clear()
    layer.assert_close(layer.convolution(gpu).forward(layer.x, layer.weight, None), layer.expected()[0])
    assert vectors(gpu) == [8], "they are stored one by one"


def vectors(gpu):
    """Return how many numbers each launch loads together."""
    matches = (re.search(r", (\d)>$", expression) for expression in gpu.launched)
    return [int(match[1]) for match in matches if match]


@pytest.mark.parametrize("name", ERROR)
def test_gradients_of_parameters_are_repeatable_bit_by_bit(gpu, name):
    layer = Layer(gpu, name, (Windows(16, 24, 2, Fraction(1, 2)), (3, 9, 9)), 0, "NCHW")
    gpu.multiprocessors = 3
    first = layer.convolution(gpu).parameter_gradients(layer.dy, layer.x)
    gpu.reverse = not gpu.reverse  # the order in which the threads of a block run
    assert torch.equal(first, layer.convolution(gpu).parameter_gradients(layer.dy, layer.x))


@pytest.mark.parametrize("reuse", [False, True])
@settings(max_examples=25, deadline=None)
@given(shape=shapes(), seed=st.integers(0, 99), bias=st.booleans())
def test_the_published_design_is_close_to_float64(gpu, reuse, shape, seed, bias):
    layer = Layer(gpu, "float32", shape, seed, "NCHW")
    added = layer.bias if bias else None
    y, dx, dw, _ = layer.expected(added)
    for input_centric in (False, True):
        published = Published(layer.windows, gpu, reuse=reuse, input_centric=input_centric)
        layer.assert_close(published.forward(layer.x, layer.weight, added), y)
        for gradient, expected in zip(published.backward(layer.dy, layer.x, layer.weight), (dx, dw), strict=True):
            layer.assert_close(gradient, expected)
