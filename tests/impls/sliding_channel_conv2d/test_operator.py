"""The operators as PyTorch sees them: shapes, gradients of any order, compilers. On the CPU they are compositions."""

from fractions import Fraction
from functools import partial

import pytest
import torch

from impls.sliding_channel_conv2d.layer.operator import convolve, input_gradient, setting_of, weight_gradient
from impls.sliding_channel_conv2d.layer.windows import Windows

WINDOWS = Windows(8, 12, 2, Fraction(1, 3))
SETTING = setting_of(WINDOWS)


def drawn(*shape, last=False, dtype=torch.float64):
    made = torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(len(shape)))
    return made.contiguous(memory_format=torch.channels_last).requires_grad_() if last else made.requires_grad_()


def operands(last=False, dtype=torch.float64):
    images = [drawn(2, channels, 3, 4, last=last, dtype=dtype) for channels in (8, 12)]
    return *images, drawn(12, 4, dtype=dtype), drawn(12, dtype=dtype)


@pytest.mark.parametrize("last", [False, True])
def test_pytorch_finds_nothing_wrong_with_them(last):
    x, dy, weight, bias = operands(last)
    for operator, inputs in (
        (convolve, (x, weight, bias)),
        (convolve, (x, weight, None)),
        (input_gradient, (dy, weight)),
        (weight_gradient, (dy, x)),
    ):
        torch.library.opcheck(operator, (*inputs, SETTING))


def test_gradients_of_the_first_and_second_order():
    x, dy, weight, bias = operands()
    for operator, inputs in ((convolve, (x, weight, bias)), (input_gradient, (dy, weight)), (weight_gradient, (dy, x))):
        of_tensors = partial(_with_setting, operator)
        assert torch.autograd.gradcheck(of_tensors, inputs)
        assert torch.autograd.gradgradcheck(of_tensors, inputs)


def _with_setting(operator, *tensors):
    return operator(*tensors, SETTING)


def test_it_compiles_whole_and_exports():
    class Layer(torch.nn.Module):
        def forward(self, x, weight, bias):
            return convolve(x, weight, bias, SETTING).relu()

    x, _, weight, bias = (tensor.detach() for tensor in operands(dtype=torch.float32))
    wanted = Layer()(x, weight, bias)
    compiled = torch.compile(Layer(), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x, weight, bias), wanted)
    batch = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(Layer(), (x, weight, bias), dynamic_shapes=({0: batch}, None, None))
    assert "featherbench.sliding_channel_conv2d" in str(exported.graph)
    longer = torch.cat([x, x])
    torch.testing.assert_close(exported.module()(longer, weight, bias), Layer()(longer, weight, bias))
