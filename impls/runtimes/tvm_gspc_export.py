"""Networks compiled by Apache TVM, with grouped convolutions in the order of loops of arXiv 2006.09791."""

from collections import Counter

import tvm
from torch import Tensor, nn
from tvm import relax

from impls.grouped_conv2d.gspc.schedule import LANES, Sizes, instruction_set, scheduled, unsupported, untuned
from impls.runtimes.tvm_export import compile_library, llvm, read_network, read_onnx

OPAQUE = 8
"""TVM's number for an operator that it does not fuse with others."""


def convert(network: nn.Module, x: Tensor, isa: str | None) -> bytes:
    """Return a network for inputs of the shape of ``x``: which convolutions are scheduled, a zero byte, and a library.

    Convolutions with several groups have the schedule of grouped spatial pack convolution with the paper's untuned
    block sizes, on one thread. Those that it cannot compute, and all other operators, are compiled as ``tvm`` compiles
    them.

    Args:
        network: the network.
        x: (batch, channels, height, width).
        isa: ``avx2`` to compile for any processor with AVX2; None: for this processor.
    """
    return _compile(read_network(network, x), isa)


def convert_onnx(model: bytes, isa: str | None) -> bytes:
    """Return the same of an ONNX model."""
    return _compile(read_onnx(model), isa)


def _compile(module: tvm.IRModule, isa: str | None) -> bytes:
    target = llvm(isa)
    scheduling = _Scheduling(LANES[instruction_set(target)])
    legalize = relax.transform.LegalizeOps({"relax.nn.conv2d": scheduling.legalize})
    library = compile_library(legalize(module), target)
    return scheduling.summary.encode() + b"\0" + library


class _Scheduling:
    """Schedules the grouped convolutions of a network, and counts them.

    Args:
        lanes: floats per vector.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._scheduled = 0
        self._refused: Counter[str] = Counter()

    @property
    def summary(self) -> str:
        """How many grouped convolutions are scheduled, and why others are not."""
        total = self._scheduled + self._refused.total()
        reasons = "".join(f"; {count} as plain loops: {reason}" for reason, count in self._refused.items())
        return f"{self._scheduled} of {total} grouped convolutions scheduled{reasons}"

    def legalize(self, builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
        """Return a call of the scheduled convolution, or TVM's own where there is one group or no schedule."""
        stock = call.op.get_attr("FLegalize")
        if call.attrs.groups == 1:
            return stock(builder, call)
        x, weight = call.args
        if reason := unsupported(str(x.ty.dtype)):
            self._refused[reason] += 1
            return stock(builder, call)
        self._scheduled += 1
        sizes = _sizes(call)
        function = scheduled(sizes, untuned(sizes, self._lanes), parallel=False)["main"]
        function = function.without_attr("global_symbol").with_attr("op_pattern", OPAQUE)
        return relax.call_tir(builder.add_func(function, "gspc_conv2d"), [x, weight], call.ty)


def _sizes(call: relax.Call) -> Sizes:
    n, cin, h, w = _shape(call.args[0])
    cout, _, *kernel = _shape(call.args[1])
    _, _, *output_size = _shape(call)
    top, left, bottom, right = map(int, call.attrs.padding)
    stride, dilation = (tuple(map(int, pair)) for pair in (call.attrs.strides, call.attrs.dilation))
    return Sizes(
        n=n,
        cin=cin,
        cout=cout,
        h=h,
        w=w,
        kernel=(kernel[0], kernel[1]),
        stride=(stride[0], stride[1]),
        padding=(top, bottom, left, right),
        dilation=(dilation[0], dilation[1]),
        groups=int(call.attrs.groups),
        output_size=(output_size[0], output_size[1]),
    )


def _shape(value: relax.Expr) -> tuple[int, ...]:
    return tuple(map(int, value.ty.shape))
