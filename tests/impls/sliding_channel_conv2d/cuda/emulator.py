"""A launcher that runs the kernels on the CPU, by ``emulation.hpp``, on tensors in its memory."""

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from impls.sliding_channel_conv2d import cuda
from impls.sliding_channel_conv2d.cuda.tiling import MACROS

HERE = Path(__file__).parent
KERNELS = Path(cuda.__file__).parent / "kernels"


class _Entry(ctypes.Structure):
    _fields_ = [("expression", ctypes.c_char_p), ("run", ctypes.c_void_p)]


class Emulator:
    """Runs kernels on the CPU. With ``reverse``, a block's threads run in the opposite order."""

    device = "cpu"
    multiprocessors = 1

    def __init__(self, folder: Path) -> None:
        library = folder / "kernels.so"
        sizes = [f"-D{name}={value}" for name, value in MACROS.items()]
        flags = ["-std=c++20", "-O1", "-shared", "-fPIC", f"-I{HERE}", f"-I{KERNELS}", *sizes]
        subprocess.run(["g++", *flags, str(HERE / "kernels.cpp"), "-o", str(library)], check=True)
        self._library = ctypes.CDLL(str(library))
        self.kernels = dict(self._table())
        self.reverse = False
        self.launched: list[str] = []

    def _table(self):
        entry = _Entry.in_dll(self._library, "kernels")
        address = ctypes.addressof(entry)
        while entry.expression:
            yield entry.expression.decode(), ctypes.CFUNCTYPE(ctypes.c_char_p)(entry.run)
            address += ctypes.sizeof(_Entry)
            entry = _Entry.from_address(address)

    def launch(self, kernel: str, blocks: int, threads: int, arguments: Sequence[Tensor | int | None]) -> None:
        self.launched.append(kernel)
        numbers = [ctypes.c_uint32(blocks), ctypes.c_uint32(threads), ctypes.c_bool(self.reverse)]
        fault = self.kernels[kernel](*numbers, *map(_argument, arguments))
        assert fault is None, f"{kernel}: {fault.decode()}"


def _argument(value: Tensor | int | None):
    if isinstance(value, int):
        return ctypes.c_uint32(value)
    if value is None:
        return ctypes.c_void_p(None)
    assert value.is_contiguous() or value.is_contiguous(memory_format=torch.channels_last)
    return ctypes.c_void_p(value.data_ptr())
