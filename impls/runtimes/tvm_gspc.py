"""Networks compiled by Apache TVM with the schedule of arXiv 2006.09791, run by its virtual machine."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from impls.runtimes import tvm


def load(model: bytes, x: Tensor, threads: int) -> Callable[[], Any]:
    """Return a call of a compiled network on ``x`` (NCHW), on one thread, as that of runtime ``tvm``."""
    return tvm.load(model.partition(b"\0")[2], x, threads)


def facts(model: bytes) -> Mapping[str, str]:
    """Return which convolutions of a network are scheduled."""
    return {"GSPC": model.partition(b"\0")[0].decode()}
