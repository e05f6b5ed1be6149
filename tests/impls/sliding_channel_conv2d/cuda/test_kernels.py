"""The kernels, from their very source, on an emulated GPU and, where there is one, on a real one, against float64."""

import re
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from impls.sliding_channel_conv2d.cuda.convolution import Convolution
from impls.sliding_channel_conv2d.cuda.formats import format_of
from impls.sliding_channel_conv2d.cuda.published import Published
from impls.sliding_channel_conv2d.layer.windows import Windows

WIDEST = {"float32": 4, "tf32": 4, "float16": 8, "bfloat16": 8}
"""Numbers in 16 bytes."""
ERROR = {"float32": 1e-6, "tf32": 1e-3, "float16": 1e-3, "bfloat16": 5e-3}
"""Largest error of a number, relative to the sum of the magnitudes of the products in it."""


LEAST = 6e-8
"""Of float16 the step between its least numbers, where no relative error holds."""


@st.composite
def layers(draw):
    """Windows, and the sizes n, h, w of an input."""
    cg = draw(st.sampled_from([1, 2, 3, 4, 8]))
    cin = cg * draw(st.sampled_from([1, 2, 3, 5, 8, 16, 20]))
    cout = draw(st.sampled_from([1, 3, 8, 37, 64, 65, 130]))
    co = Fraction(draw(st.sampled_from(["0", "1/4", "1/2", "3/4", "33/100", "2/7", "99/100"])))
    sizes = draw(st.sampled_from([0, 1, 2, 3])), draw(st.integers(1, 9)), draw(st.integers(1, 17))
    return Windows(cin, cout, cg, co), sizes


GAPS = Windows(16, 130, 2, Fraction(0)), (1, 1, 2)
"""A tile of it has every second filter: they ascend, the first is 0, and none are neighbours."""


class Layer:
    """One layer's tensors, and what float64 makes of them."""

    def __init__(self, gpu, name, layer, seed, layout):
        self.windows, (n, h, w) = layer
        self.name = name
        dtype = torch.float32 if name == "tf32" else getattr(torch, name)
        self.format = format_of(dtype, tf32=name == "tf32")
        random = torch.Generator().manual_seed(seed)

        def drawn(*shape):
            return torch.randn(*shape, generator=random).to(gpu.device, dtype)

        self.x = laid_out(drawn(n, self.windows.cin, h, w), layout)
        self.dy = laid_out(drawn(n, self.windows.cout, h, w), layout)
        self.weight, self.bias = drawn(self.windows.cout, self.windows.width), drawn(self.windows.cout)
        self._channels = torch.from_numpy(self.windows.channels).to(gpu.device)
        self.matrix = self.weight.new_zeros(self.windows.cout, self.windows.cin, dtype=torch.float64)
        self.matrix.scatter_(1, self._channels, self.weight.double())

    def on(self, launcher):
        return Convolution(self.windows, self.format, launcher)

    def expected(self, bias=None):
        """Y, dX, dW and dbias, each with the magnitude that its error is relative to."""
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

    def taken_apart(self, parameters):
        """Those like the weight, and behind them those like the bias."""
        parts = parameters.split([self.weight.numel(), self.bias.numel()])
        return [part.view(like.shape) for part, like in zip(parts, (self.weight, self.bias), strict=True)]

    def assert_close(self, found, expected):
        wanted, magnitude = expected
        assert found.shape == wanted.shape
        assert found.dtype == self.x.dtype
        assert ((found.double() - wanted).abs() <= ERROR[self.name] * magnitude + LEAST).all()


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
@given(layer=layers(), seed=st.integers(0, 99), bias=st.booleans(), reverse=st.booleans(), splits=st.integers(1, 5))
@example(layer=GAPS, seed=0, bias=False, reverse=False, splits=1)
def test_against_float64(gpu, name, layout, layer, seed, bias, reverse, splits):
    gpu.reverse, gpu.multiprocessors = reverse, splits
    made = Layer(gpu, name, layer, seed, layout)
    added = made.bias if bias else None
    on, (y, dx, *gradients) = made.on(gpu), made.expected(added)
    made.assert_close(on.forward(made.x, made.weight, added), y)
    made.assert_close(on.input_gradient(made.dy, made.weight), dx)
    made.assert_close(on.weight_gradient(made.dy, made.x), gradients[0])
    for gradient, wanted in zip(made.taken_apart(on.parameter_gradients(made.dy, made.x)), gradients, strict=True):
        made.assert_close(gradient, wanted)


@pytest.mark.parametrize("name", ERROR)
def test_parameters_need_not_be_contiguous_nor_images_stored_alike(gpu, name):
    made = Layer(gpu, name, (Windows(16, 24, 2, Fraction(1, 2)), (2, 4, 4)), 0, "NCHW")
    on, (y, dx, dw, _) = made.on(gpu), made.expected(made.bias)
    weight, bias = made.weight.T.contiguous().T, made.bias.repeat_interleave(2)[::2]
    assert not weight.is_contiguous()
    made.assert_close(on.forward(made.x, weight, bias), y)
    made.assert_close(on.input_gradient(made.dy, weight), dx)
    last = made.dy.contiguous(memory_format=torch.channels_last)
    made.assert_close(on.weight_gradient(last, made.x), dw)
    made.assert_close(on.weight_gradient(made.dy, laid_out(made.x, "channels last")), dw)


@pytest.mark.parametrize("vector", [1, 2, 4, 8])
@pytest.mark.parametrize("layout", ["NCHW", "channels last"])
@pytest.mark.parametrize("name", ERROR)
def test_neighbours_are_loaded_together_as_many_as_fit(gpu, name, layout, vector):
    made = Layer(gpu, name, (Windows(3 * vector, 5 * vector, 3, Fraction(1, 2)), (2, 3, vector)), 0, layout)
    on, (y, dx, dw, db) = made.on(gpu), made.expected()
    gpu.launched.clear()
    made.assert_close(on.forward(made.x, made.weight, None), y)
    made.assert_close(on.input_gradient(made.dy, made.weight), dx)
    for gradient, wanted in zip(made.taken_apart(on.parameter_gradients(made.dy, made.x)), (dw, db), strict=True):
        made.assert_close(gradient, wanted)
    assert vectors(gpu) == [min(vector, WIDEST[name])] * 3


@pytest.mark.parametrize("vector", [1, 2, 4, 8])
@pytest.mark.parametrize("layout", ["NCHW", "channels last"])
@pytest.mark.parametrize("name", ERROR)
def test_images_need_not_be_aligned(gpu, name, layout, vector):
    made = Layer(gpu, name, (Windows(16, 24, 2, Fraction(1, 2)), (2, 4, 4)), 0, layout)
    room = made.x.new_empty(made.x.numel() + vector)
    shifted = room[vector:].as_strided(made.x.shape, made.x.stride()).copy_(made.x)
    on, (y, _, dw, _) = made.on(gpu), made.expected()
    gpu.launched.clear()
    made.assert_close(on.forward(shifted, made.weight, None), y)
    made.assert_close(on.weight_gradient(made.dy, shifted), dw)
    assert vectors(gpu) == [min(vector, WIDEST[name])] * 2


def test_with_channels_last_the_outputs_need_not_be_even(gpu):
    made = Layer(gpu, "float16", (Windows(16, 37, 2, Fraction(1, 2)), (2, 3, 3)), 0, "channels last")
    gpu.launched.clear()
    made.assert_close(made.on(gpu).forward(made.x, made.weight, None), made.expected()[0])
    assert vectors(gpu) == [8], "they are stored one by one"


def vectors(gpu):
    """The numbers that were loaded together, launch by launch."""
    found = (re.search(r", (\d)>$", expression) for expression in gpu.launched)
    return [int(match[1]) for match in found if match]


@pytest.mark.parametrize("name", ERROR)
def test_gradients_of_parameters_are_the_same_bit_by_bit(gpu, name):
    made = Layer(gpu, name, (Windows(16, 24, 2, Fraction(1, 2)), (3, 9, 9)), 0, "NCHW")
    gpu.multiprocessors = 3
    first = made.on(gpu).parameter_gradients(made.dy, made.x)
    gpu.reverse = not gpu.reverse  # in which the threads of a block take turns
    assert torch.equal(first, made.on(gpu).parameter_gradients(made.dy, made.x))


@pytest.mark.parametrize("reuse", [False, True])
@settings(max_examples=25, deadline=None)
@given(layer=layers(), seed=st.integers(0, 99), bias=st.booleans())
def test_the_published_design_against_float64(gpu, reuse, layer, seed, bias):
    made = Layer(gpu, "float32", layer, seed, "NCHW")
    added = made.bias if bias else None
    y, dx, dw, _ = made.expected(added)
    for input_centric in (False, True):
        published = Published(made.windows, gpu, reuse=reuse, input_centric=input_centric)
        made.assert_close(published.forward(made.x, made.weight, added), y)
        for gradient, wanted in zip(published.backward(made.dy, made.x, made.weight), (dx, dw), strict=True):
            made.assert_close(gradient, wanted)
