"""Check the Triton kernels in Triton's interpreter for random layers; the argument is a number format."""

import sys
from fractions import Fraction

import numpy as np
import torch

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.formats import format_of
from impls.sliding_channel_conv2d.cuda.triton_kernels import TritonConvolution, forward_kernel, weight_gradient_kernel

ERROR = {"float32": 1e-6, "tf32": 1e-3, "float16": 1e-3}
LEAST = 6e-8  # the step between the smallest numbers of float16
LAYERS = 6


class Fixed:
    """A kernel with a fixed tile size, since tuning needs a GPU's clock."""

    def __init__(self, kernel):
        self._kernel = kernel

    def __getitem__(self, grid):
        def run(*arguments, **constants):
            self._kernel[grid](*arguments, **constants, BLOCK_N=64)

        return run


class Interpreted(TritonConvolution):
    forward_kernel, weight_gradient_kernel = Fixed(forward_kernel), Fixed(weight_gradient_kernel)


def check(name, rng):
    cg = int(rng.choice([1, 2, 4]))
    cin, cout = cg * int(rng.choice([1, 5, 16])), int(rng.choice([3, 37, 70]))
    windows = Windows(cin, cout, cg, Fraction(str(rng.choice(["0", "1/2", "3/4", "33/100"]))))
    n, h, w = (int(rng.integers(low, high)) for low, high in ((0, 3), (1, 6), (1, 9)))
    dtype = torch.float32 if name == "tf32" else getattr(torch, name)
    layout = torch.channels_last if rng.integers(2) else torch.contiguous_format

    def random_tensor(*shape):
        return torch.from_numpy(rng.standard_normal(shape)).to(dtype)

    x, dy = (random_tensor(n, c, h, w).contiguous(memory_format=layout) for c in (cin, cout))
    weight, bias = random_tensor(cout, windows.width), random_tensor(cout)
    channels = torch.from_numpy(windows.channels)
    matrix = torch.zeros(cout, cin, dtype=torch.float64).scatter(1, channels, weight.double())
    convolution = Interpreted(windows, format_of(dtype, tf32=name == "tf32"))
    y, y_magnitude = _sums_and_magnitudes("oc,nchw->nohw", matrix, x)
    added = bias.double()[:, None, None]
    dw = [dense.gather(1, channels) for dense in _sums_and_magnitudes("nohw,nchw->oc", dy, x)]
    parameters = [
        torch.cat([weights.flatten(), biases])
        for weights, biases in zip(dw, _sums_and_magnitudes("nohw,->o", dy, torch.ones(())), strict=True)
    ]
    for output, expected, magnitude in (
        (convolution.forward(x, weight, None), y, y_magnitude),
        (convolution.input_gradient(dy, weight), *_sums_and_magnitudes("oc,nohw->nchw", matrix, dy)),
        (convolution.weight_gradient(dy, x), *dw),
        (convolution.parameter_gradients(dy, x), *parameters),
        (convolution.forward(x, weight, bias), y + added, y_magnitude + added.abs()),
    ):
        assert output.shape == expected.shape
        assert output.dtype == dtype
        assert ((output.double() - expected).abs() <= ERROR[name] * magnitude + LEAST).all(), (windows, layout)


def _sums_and_magnitudes(equation, left, right):
    """Return the sums of products in float64, and the sums of the products' magnitudes."""
    left, right = left.double(), right.double()
    return torch.einsum(equation, left, right), torch.einsum(equation, left.abs(), right.abs())


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    for _ in range(LAYERS):
        check(sys.argv[1], rng)
    print(f"{LAYERS} layers are right")
