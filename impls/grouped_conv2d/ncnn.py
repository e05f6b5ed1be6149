"""ncnn, with and without Winograd's algorithm."""

from tempfile import NamedTemporaryFile

import ncnn
import numpy as np

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Array, Call, Problem
from impls.grouped_conv2d.workload import GroupedConv2dCase


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
    net = ncnn.Net()
    net.opt.num_threads = len(target.cores)
    net.opt.use_winograd_convolution = winograd
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage", "int8_inference"):
        setattr(net.opt, f"use_{option}", False)
    with NamedTemporaryFile() as file:  # ncnn's Python package reads weights from files only
        file.write(_weights(problem))
        file.flush()
        if net.load_param_mem(_layers(problem.case)) or net.load_model(file.name):
            raise RuntimeError("ncnn cannot load the net")
    x = problem.lay_out("x", (0, 1, 2, 3))  # ncnn.Mat shares the memory of contiguous arrays only
    # ncnn splits groups as if each channel started at a multiple of 16 bytes, as in its own copies, e.g. for padding.
    needs_copy = x[0, 0].nbytes % 16 != 0 and not any(problem.case.padding)

    def run(image: Array) -> Array:
        extractor = net.create_extractor()
        shared = ncnn.Mat(image)
        extractor.input("x", shared.clone() if needs_copy else shared)
        status, y = extractor.extract("y")
        if status:
            raise RuntimeError(f"ncnn's extractor returned {status}")
        return np.asarray(y)

    def call() -> Array:
        return run(x[0])[np.newaxis] if len(x) == 1 else np.stack([run(image) for image in x])

    return call


def _layers(case: GroupedConv2dCase) -> str:
    """Return the net in ncnn's text format, which identifies parameters by number."""
    (kh, kw), (sh, sw), (dh, dw) = case.kernel, case.stride, case.dilation
    top, bottom, left, right = case.padding
    size = f"0={case.cout} 6={np.prod(case.weight_shape)} 5={int(case.bias)}"
    kernel = f"1={kw} 11={kh} 2={dw} 12={dh} 3={sw} 13={sh}"
    padding = f"4={left} 15={right} 14={top} 16={bottom}"
    layer = "Convolution" if case.groups == 1 else "ConvolutionDepthWise"
    groups = "" if case.groups == 1 else f"7={case.groups}"
    return f"7767517\n2 2\nInput x 0 1 x\n{layer} y 1 1 x y {size} {kernel} {padding} {groups}\n"


def _weights(problem: Problem) -> bytes:
    """Return the file of weights: four zero bytes, which stand for plain float32, then the weights and the bias."""
    return bytes(4) + b"".join(array.tobytes() for array in problem.constants.values())
