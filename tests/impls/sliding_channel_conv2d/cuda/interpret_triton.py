"""Random layers through the Triton kernels, interpreted; the argument is a format."""

import sys
from fractions import Fraction

import numpy as np
import torch

from impls.sliding_channel_conv2d.cuda.formats import format_of
from impls.sliding_channel_conv2d.cuda.triton_kernels import TritonConvolution, outer, product
from impls.sliding_channel_conv2d.layer.windows import Windows

ERROR = {"float32": 1e-6, "tf32": 1e-3, "float16": 1e-3}
LEAST = 6e-8  # of float16 the step between its least numbers
LAYERS = 6


class Fixed:
    """A kernel with one choice, since tuning needs a GPU's clock."""

    def __init__(self, kernel):
        self._kernel = kernel

    def __getitem__(self, grid):
        def run(*arguments, **constants):
            self._kernel[grid](*arguments, **constants, PIXELS=64)

        return run


class Interpreted(TritonConvolution):
    product, outer = Fixed(product), Fixed(outer)


def check(name, rng):
    cg = int(rng.choice([1, 2, 4]))
    cin, cout = cg * int(rng.choice([1, 5, 16])), int(rng.choice([3, 37, 70]))
    windows = Windows(cin, cout, cg, Fraction(str(rng.choice(["0", "1/2", "3/4", "33/100"]))))
    n, h, w = (int(rng.integers(low, high)) for low, high in ((0, 3), (1, 6), (1, 9)))
    dtype = torch.float32 if name == "tf32" else getattr(torch, name)
    layout = torch.channels_last if rng.integers(2) else torch.contiguous_format

    def drawn(*shape):
        return torch.from_numpy(rng.standard_normal(shape)).to(dtype)

    x, dy = (drawn(n, c, h, w).contiguous(memory_format=layout) for c in (cin, cout))
    weight, bias = drawn(cout, windows.width), drawn(cout)
    channels = torch.from_numpy(windows.channels)
    matrix = torch.zeros(cout, cin, dtype=torch.float64).scatter(1, channels, weight.double())
    on = Interpreted(windows, format_of(dtype, tf32=name == "tf32"))
    y, size = _twice("oc,nchw->nohw", matrix, x)
    dw = [whole.gather(1, channels) for whole in _twice("nohw,nchw->oc", dy, x)]
    both = [
        torch.cat([whole.flatten(), sums])
        for whole, sums in zip(dw, _twice("nohw,->o", dy, torch.ones(())), strict=True)
    ]
    for found, wanted, magnitude in (
        (on.forward(x, weight, None), y, size),
        (on.input_gradient(dy, weight), *_twice("oc,nohw->nchw", matrix, dy)),
        (on.weight_gradient(dy, x), *dw),
        (on.parameter_gradients(dy, x), *both),
        (on.forward(x, weight, bias), y + bias.double()[:, None, None], size + bias.double().abs()[:, None, None]),
    ):
        assert found.shape == wanted.shape
        assert found.dtype == dtype
        assert ((found.double() - wanted).abs() <= ERROR[name] * magnitude + LEAST).all(), (windows, layout)


def _twice(equation, left, right):
    """The sums, and those of the magnitudes."""
    left, right = left.double(), right.double()
    return torch.einsum(equation, left, right), torch.einsum(equation, left.abs(), right.abs())


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    for _ in range(LAYERS):
        check(sys.argv[1], rng)
    print(f"{LAYERS} layers are right")
