"""The operators as registered with PyTorch: shapes, gradients, compilers. On the CPU they are compositions."""

from fractions import Fraction
from functools import partial

import pytest
import torch

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.layer.composed import composed
from impls.sliding_channel_conv2d.layer.operator import (
    convolve,
    input_gradient,
    parameter_gradients,
    setting_of,
    taken_apart,
    tf32_allowed,
    weight_gradient,
)

WINDOWS = Windows(8, 12, 2, Fraction(1, 3))
SETTING = setting_of(WINDOWS)


def random_tensor(*shape, last=False, dtype=torch.float64):
    tensor = torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(len(shape)))
    return tensor.contiguous(memory_format=torch.channels_last).requires_grad_() if last else tensor.requires_grad_()


def operands(last=False, dtype=torch.float64):
    images = [random_tensor(2, channels, 3, 4, last=last, dtype=dtype) for channels in (8, 12)]
    return *images, random_tensor(12, 4, dtype=dtype), random_tensor(12, dtype=dtype)


@pytest.mark.parametrize("last", [False, True])
def test_operators_pass_opcheck(last):
    x, dy, weight, bias = operands(last)
    for operator, inputs in (
        (convolve, (x, weight, bias)),
        (convolve, (x, weight, None)),
        (input_gradient, (dy, weight)),
        (weight_gradient, (dy, x)),
        (parameter_gradients, (dy, x)),
    ):
        torch.library.opcheck(operator, (*inputs, SETTING))


def weight_and_bias_gradients(dy, x, setting):
    return taken_apart(parameter_gradients(dy, x, setting), setting)


def weight_gradient_alone(dy, x, setting):
    return weight_and_bias_gradients(dy, x, setting)[0]


def bias_gradient_alone(dy, x, setting):
    return weight_and_bias_gradients(dy, x, setting)[1]


@pytest.mark.parametrize(
    ("operator", "names"),
    [
        (convolve, ["x", "weight", "bias"]),
        (input_gradient, ["dy", "weight"]),
        (weight_gradient, ["dy", "x"]),
        (weight_and_bias_gradients, ["dy", "x"]),
        (weight_gradient_alone, ["dy", "x"]),
        (bias_gradient_alone, ["dy", "x"]),
    ],
)
def test_first_and_second_order_gradients_pass_gradcheck(operator, names):
    tensors = dict(zip(("x", "dy", "weight", "bias"), operands(), strict=True))
    inputs = [tensors[name] for name in names]
    function = partial(_with_setting, operator)
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


@pytest.mark.parametrize("wanted", [{"weight"}, {"bias"}, {"weight", "bias"}, {"x", "weight", "bias"}])
def test_only_tensors_that_require_gradients_get_them(wanted):
    x, _, weight, bias = (tensor.detach() for tensor in operands())
    inputs = {"x": x, "weight": weight, "bias": bias}
    for name in wanted:
        inputs[name].requires_grad_()
    convolve(*inputs.values(), SETTING).square().sum().backward()
    gradients = {name: tensor.grad for name, tensor in inputs.items()}
    copies = {name: tensor.detach().requires_grad_() for name, tensor in inputs.items()}
    composed(*copies.values(), WINDOWS).square().sum().backward()
    assert {name for name, gradient in gradients.items() if gradient is not None} == wanted
    for name in wanted:
        torch.testing.assert_close(gradients[name], copies[name].grad)


def test_wrong_shapes_and_dtypes_are_refused_before_a_kernel_runs():
    x, dy, weight, bias = (tensor.detach() for tensor in operands())
    for operator, inputs, error, words in (
        (convolve, (x[:, :4], weight, bias), ValueError, r"expected x \(n, 8, h, w\), not \(2, 4, 3, 4\)"),
        (convolve, (x[0], weight, bias), ValueError, r"expected x \(n, 8, h, w\)"),
        (convolve, (x, weight.T, bias), ValueError, r"expected weight \(12, 4\), not \(4, 12\)"),
        (convolve, (x, weight, bias[:5]), ValueError, r"expected bias \(12,\), not \(5,\)"),
        (convolve, (x, weight.float(), bias), TypeError, r"weight is torch.float32 on cpu, not torch.float64 on cpu"),
        (convolve, (x, weight, bias.half()), TypeError, r"bias is torch.float16"),
        (input_gradient, (x, weight), ValueError, r"expected dy \(n, 12, h, w\)"),
        (weight_gradient, (dy[:1], x), ValueError, r"expected dy \(2, 12, 3, 4\), not \(1, 12, 3, 4\)"),
        (weight_gradient, (dy.half(), x), TypeError, r"dy is torch.float16"),
        (parameter_gradients, (dy[:1], x), ValueError, r"expected dy \(2, 12, 3, 4\), not \(1, 12, 3, 4\)"),
    ):
        with pytest.raises(error, match=words):
            operator(*inputs, SETTING)


def test_tf32_is_allowed_where_cudnn_allows_it():
    before = torch.backends.cudnn.allow_tf32
    try:
        for allowed in (False, True):
            torch.backends.cudnn.allow_tf32 = allowed
            assert tf32_allowed() is allowed
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _with_setting(operator, *tensors):
    return operator(*tensors, SETTING)


def test_the_operator_compiles_whole_and_exports():
    class Layer(torch.nn.Module):
        def forward(self, x, weight, bias):
            return convolve(x, weight, bias, SETTING).relu()

    x, _, weight, bias = (tensor.detach() for tensor in operands(dtype=torch.float32))
    expected = Layer()(x, weight, bias)
    compiled = torch.compile(Layer(), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x, weight, bias), expected)
    batch = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(Layer(), (x, weight, bias), dynamic_shapes=({0: batch}, None, None))
    assert "featherbench.sliding_channel_conv2d" in str(exported.graph)
    longer = torch.cat([x, x])
    torch.testing.assert_close(exported.module()(longer, weight, bias), Layer()(longer, weight, bias))
