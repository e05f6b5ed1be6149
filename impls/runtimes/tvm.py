"""Networks compiled by Apache TVM, run by its virtual machine."""

from collections.abc import Callable
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import tvm
from torch import Tensor
from tvm import relax


def load(model: bytes, x: Tensor, threads: int) -> Callable[[], Any]:
    """Return a call of a compiled network on ``x`` (NCHW), bound in place; each call has a new output.

    It computes in the calling thread whatever ``threads`` is, since unscheduled loop nests are serial.
    """
    with NamedTemporaryFile(suffix=".so") as file:
        file.write(model)
        file.flush()
        machine = relax.VirtualMachine(tvm.runtime.load_module(file.name), tvm.cpu())
    images = tvm.runtime.from_dlpack(x)
    run = machine["main"]
    return lambda: np.from_dlpack(run(images))
