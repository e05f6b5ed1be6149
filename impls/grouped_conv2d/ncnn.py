"""ncnn, with and without Winograd's algorithm."""

import numpy as np

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase
from impls.loaders.ncnn import load


class Ncnn(Implementation):
    """A one-layer net run by ncnn, with its direct and matrix-product kernels only."""

    workload = "grouped_conv2d"
    requires = ("ncnn",)
    note = (
        "Timed: an extractor with the input bound in place, the layer in float32, and the copy that ncnn makes of the "
        "output; ncnn's own packing of channels is inside. Without padding, an image whose height x width is no "
        "multiple of 4 is copied first. The images of a batch are run one after the other and copied together. "
        "Loading the net is not timed."
    )
    winograd = False
    """Whether ncnn may use Winograd's algorithm for 3x3 kernels."""
    variants = {
        "ncnn": {},
        "ncnn_winograd": {
            "winograd": True,
            "summary": "A one-layer net run by ncnn with Winograd's algorithm: fewer multiplications than the formula, "
            "a larger error.",
            "note": "Another class of algorithm than direct convolution: it multiplies 2.25 to 5 times less often than "
            "its FLOP, which go by formula, and rounds worse. Timed: as for ncnn, with the transforms of input and "
            "output. Those of the weights are not; ncnn keeps them for three sizes of tile, which takes up to 13 times "
            "the weights' memory.",
        },
    }

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        if self.winograd and (reason := unsupported_by_winograd(case)):
            return reason
        return None if case.dtype == "float32" else "ncnn computes in float32 at most"

    def prepare(self, problem: Problem, target: Target) -> Call:
        return prepare_net(problem, target, winograd=self.winograd)


def unsupported_by_winograd(case: GroupedConv2dCase) -> str | None:
    """Return why ncnn would not use Winograd's algorithm for a case, or None."""
    if (case.kernel, case.stride, case.dilation) != ((3, 3), (1, 1), (1, 1)):
        return "ncnn's Winograd needs a 3x3 kernel with stride and dilation 1"
    if max(case.cin, case.cout) <= 8 * case.groups:
        return "ncnn uses Winograd only where a group has more than 8 channels in or out"
    return None


def prepare_net(problem: Problem, target: Target, *, winograd: bool) -> Call:
    """Return a call of a net with this one layer; ``winograd`` permits Winograd's algorithm for 3x3 kernels.

    Raises:
        RuntimeError: where ncnn cannot load the net, or, from the call, where it cannot run it.
    """
    x = problem.lay_out("x", (0, 1, 2, 3))  # ncnn.Mat shares the memory of contiguous arrays only
    model = _layers(problem.case).encode() + b"\0" + _weights(problem)
    return load(model, x, len(target.cores), winograd=winograd, first_layer_pads=any(problem.case.padding))


def _layers(case: GroupedConv2dCase) -> str:
    """Return the net in ncnn's text format, which identifies parameters by number."""
    (kh, kw), (sh, sw), (dh, dw) = case.kernel, case.stride, case.dilation
    top, bottom, left, right = case.padding
    size = f"0={case.cout} 6={np.prod(case.weight_shape)} 5={int(case.bias)}"
    kernel = f"1={kw} 11={kh} 2={dw} 12={dh} 3={sw} 13={sh}"
    padding = f"4={left} 15={right} 14={top} 16={bottom}"
    layer = "Convolution" if case.groups == 1 else "ConvolutionDepthWise"
    groups = "" if case.groups == 1 else f"7={case.groups}"
    return f"7767517\n2 2\nInput in0 0 1 in0\n{layer} out0 1 1 in0 out0 {size} {kernel} {padding} {groups}\n"


def _weights(problem: Problem) -> bytes:
    """Return the file of weights: four zero bytes, which stand for plain float32, then the weights and the bias."""
    return bytes(4) + b"".join(array.tobytes() for array in problem.constants.values())
