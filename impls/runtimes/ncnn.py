"""ncnn, in float32 and image by image."""

from collections.abc import Callable
from tempfile import NamedTemporaryFile
from typing import Any

import ncnn
import numpy as np
from torch import Tensor

LOW_PRECISION = ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage", "int8_inference")
ALIGNMENT = 16
"""Bytes at a multiple of which ncnn expects each channel to start."""


def load(model: bytes, x: Tensor, threads: int) -> Callable[[], Any]:
    """Return a call of a net on ``x`` (NCHW).

    Images are bound in place, or copied where a channel is no multiple of 16 bytes long. Outputs are copied.

    Raises:
        RuntimeError: where ncnn cannot load the net, or, from the call, where it cannot run it.
    """
    structure, _, weights = model.partition(b"\0")
    net = ncnn.Net()
    net.opt.num_threads = threads
    for option in LOW_PRECISION:
        setattr(net.opt, f"use_{option}", False)
    with NamedTemporaryFile() as file:  # ncnn's Python package reads weights from files only
        file.write(weights)
        file.flush()
        if net.load_param_mem(structure.decode()) or net.load_model(file.name):
            raise RuntimeError("ncnn cannot load the net")
    images = x.numpy()
    needs_copy = images[0, 0].nbytes % ALIGNMENT != 0

    def run(image: Any) -> Any:
        extractor = net.create_extractor()
        shared = ncnn.Mat(image)
        extractor.input("in0", shared.clone() if needs_copy else shared)
        status, y = extractor.extract("out0")
        if status:
            raise RuntimeError(f"ncnn's extractor returned {status}")
        return np.array(y)  # a copy: the memory is the extractor's

    return lambda: np.stack([run(image) for image in images])
