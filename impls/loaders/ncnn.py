"""ncnn, in float32 and image by image."""

from collections.abc import Callable
from tempfile import NamedTemporaryFile

import ncnn
import numpy as np
from numpy.typing import ArrayLike, NDArray

LOW_PRECISION = ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage", "int8_inference")
ALIGNMENT = 16
"""Bytes at a multiple of which ncnn expects each channel to start."""


def load(
    model: bytes, x: ArrayLike, threads: int, *, winograd: bool = True, first_layer_pads: bool = False
) -> Callable[[], NDArray[np.float32]]:
    """Return a call that runs a net on ``x``, image by image, in place where ncnn's alignment allows it.

    Args:
        model: the net in ncnn's text format, a zero byte, and the file of its weights. Its input is ``in0``, its output
            ``out0``.
        x: (batch, channels, height, width), float32, contiguous.
        threads: the number of threads to compute with.
        winograd: whether ncnn may use Winograd's algorithm.
        first_layer_pads: whether the first layer pads. ncnn then makes an aligned copy itself; otherwise the call
            copies images whose channels are not a multiple of 16 bytes.

    Raises:
        RuntimeError: where ncnn cannot load the net, or, from the call, where it cannot run it.
    """
    structure, _, weights = model.partition(b"\0")
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_winograd_convolution = winograd
    for option in LOW_PRECISION:
        setattr(net.opt, f"use_{option}", False)
    with NamedTemporaryFile() as file:  # ncnn's Python package reads weights from files only
        file.write(weights)
        file.flush()
        if net.load_param_mem(structure.decode()) or net.load_model(file.name):
            raise RuntimeError("ncnn cannot load the net")
    images = np.asarray(x)
    needs_copy = images[0, 0].nbytes % ALIGNMENT != 0 and not first_layer_pads

    def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
        extractor = net.create_extractor()
        shared = ncnn.Mat(image)
        extractor.input("in0", shared.clone() if needs_copy else shared)
        status, y = extractor.extract("out0")
        if status:
            raise RuntimeError(f"ncnn's extractor returned {status}")
        return np.asarray(y)

    def call() -> NDArray[np.float32]:
        return run(images[0])[np.newaxis] if len(images) == 1 else np.stack([run(image) for image in images])

    return call
