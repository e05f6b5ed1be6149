import ctypes
from typing import Any

from bench.core.target import Target
from bench.core.workload import Call, Problem
from impls.grouped_conv2d.im2col import Im2col

_LIBC = ctypes.CDLL(None)
_LIBC.malloc.restype = ctypes.c_void_p
_LIBC.malloc.argtypes = [ctypes.c_size_t]
_LIBC.free.argtypes = [ctypes.c_void_p]


class Accident(Im2col):
    """Allocates 64 MiB in 4 KiB pieces in each call, and uses all of it."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def prepare(self, problem: Problem, target: Target) -> Call:
        compute = super().prepare(problem, target)

        def call() -> Any:
            blocks = (ctypes.c_void_p * (64 << 8))()
            for index in range(len(blocks)):
                blocks[index] = _LIBC.malloc(4080)  # 4096 with what malloc adds
                ctypes.memset(blocks[index], 1, 4080)  # type: ignore[arg-type]
            for block in blocks:
                _LIBC.free(block)
            return compute()

        return call
