"""Networks compiled by Apache TVM."""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import torch
import tvm
from torch import Tensor, nn
from tvm.relax.frontend.onnx import from_onnx
from tvm.relax.frontend.torch import from_exported_program

from impls.runtimes.dense import dense


def convert(network: nn.Module, x: Tensor, isa: str | None) -> bytes:
    """Return a network for inputs of the shape of ``x`` as a shared library, compiled without schedules.

    TVM fuses operators and plans memory, but leaves each operator the plain loop nest that defines it.

    Args:
        network: the network.
        x: (batch, channels, height, width).
        isa: ``avx2`` to compile for any processor with AVX2; None: for this processor.
    """
    return compile_library(read_network(network, x), llvm(isa))


def convert_onnx(model: bytes, isa: str | None) -> bytes:
    """Return an ONNX model as a shared library, as ``convert`` does."""
    return compile_library(read_onnx(model), llvm(isa))


def read_network(network: nn.Module, x: Tensor) -> tvm.IRModule:
    """Return a network for inputs of the shape of ``x`` as TVM's graph of operators, with its weights as constants."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of PyTorch's own code
        exported = torch.export.export(dense(network), (x,))
    return from_exported_program(exported, unwrap_unit_return_tuple=True)


def read_onnx(model: bytes) -> tvm.IRModule:
    """Return an ONNX model as TVM's graph of operators, with its weights as constants."""
    return from_onnx(onnx.load_from_string(model))


def llvm(isa: str | None) -> tvm.target.Target:
    """Return LLVM's target for this processor, or for any processor with AVX2 where ``isa`` says so."""
    processor = "x86-64-v3" if isa == "avx2" else tvm.target.codegen.llvm_get_system_cpu()
    return tvm.target.Target({"kind": "llvm", "mcpu": processor, "opt-level": 3})


def compile_library(module: tvm.IRModule, target: tvm.target.Target) -> bytes:
    """Return a graph of operators as a shared library; TVM fuses the operators that have no schedule yet."""
    with TemporaryDirectory() as folder:
        library = Path(folder) / "network.so"
        tvm.compile(module, target).export_library(str(library))
        return library.read_bytes()
