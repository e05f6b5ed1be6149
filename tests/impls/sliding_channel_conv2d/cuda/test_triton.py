"""The Triton kernels without a GPU: compared with float64 in Triton's interpreter, and compiled for GPUs."""

import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from packaging.version import Version

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.formats import FORMATS

triton = pytest.importorskip("triton")

from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from impls.sliding_channel_conv2d.cuda.triton_kernels import TritonConvolution  # noqa: E402

WINDOWS = Windows(64, 128, 2, Fraction(1, 2))
POINTERS = {torch.float32: "*fp32", torch.float16: "*fp16", torch.bfloat16: "*bf16", torch.int32: "*i32"}
SPILLED = 32
"""Bytes: to fit another block on a multiprocessor, the assembler spills a few registers, but no sums."""
PTXAS = Path(triton.__file__).parent / "backends/nvidia/bin/ptxas"


@pytest.mark.skipif(
    Version(triton.__version__) < Version("3.7") and Version(np.__version__) >= Version("2.5"),
    reason="Triton before 3.7 interprets with NumPy before 2.5 only",
)
@pytest.mark.parametrize("name", ["float32", "tf32", "float16"])
def test_interpreted_kernels_are_close_to_float64(name):
    """Run in a process of its own: a kernel is for the interpreter or for a GPU from its definition on.

    bfloat16 is left out, because the interpreter multiplies its bits as integers.
    """
    script = Path(__file__).with_name("interpret_triton.py")
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, str(script), name], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "layers are right" in done.stdout


class Compiling:
    """A kernel that is compiled in its first setting instead of being launched."""

    def __init__(self, kernel, capability):
        self._kernel, self._capability = kernel, capability
        self.compiled = []

    def __getitem__(self, grid):
        return self._compile

    def _compile(self, *arguments, **constants):
        fitting = self._kernel.early_config_prune or (lambda settings, *_, **constants: settings)
        setting = fitting(self._kernel.configs, {}, **constants)[0]
        constants |= setting.kwargs
        given = dict(zip(self._kernel.arg_names, arguments, strict=False))  # constants come last
        signature = {name: "i32" if isinstance(value, int) else POINTERS[value.dtype] for name, value in given.items()}
        signature |= dict.fromkeys(constants, "constexpr")
        aligned = {
            (index,): [["tt.divisibility", 16]]
            for index, value in enumerate(given.values())
            if (value.data_ptr() if isinstance(value, torch.Tensor) else value) % 16 == 0
        }
        source = ASTSource(self._kernel.fn, signature, constants, aligned)
        options = {"num_warps": setting.num_warps, "num_stages": setting.num_stages}
        self.compiled.append(triton.compile(source, GPUTarget("cuda", self._capability, 32), options))


@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["NCHW", "channels last"])
def test_kernels_compile_for_gpus_and_hardly_spill(capability, name, layout, tmp_path):
    convolution = TritonConvolution(WINDOWS, FORMATS[name])
    convolution.forward_kernel = Compiling(convolution.forward_kernel, capability)
    convolution.weight_gradient_kernel = Compiling(convolution.weight_gradient_kernel, capability)
    dtype = torch.float32 if name == "tf32" else getattr(torch, name)
    x, dy = (torch.zeros(2, c, 8, 8, dtype=dtype).contiguous(memory_format=layout) for c in (WINDOWS.cin, WINDOWS.cout))
    weight, bias = torch.zeros(WINDOWS.cout, WINDOWS.width, dtype=dtype), torch.zeros(WINDOWS.cout, dtype=dtype)
    convolution.forward(x, weight, bias)
    convolution.input_gradient(dy, weight)
    convolution.parameter_gradients(dy, x)
    assert (len(convolution.forward_kernel.compiled), len(convolution.weight_gradient_kernel.compiled)) == (2, 1)
    for kernel in (*convolution.forward_kernel.compiled, *convolution.weight_gradient_kernel.compiled):
        assert ("mma" in kernel.asm["ptx"]) == (name != "float32"), "tensor cores, but for float32"
        assert spilled_bytes(kernel.asm["ptx"], tmp_path) <= SPILLED


def spilled_bytes(ptx, folder):
    """Return the bytes of registers that a thread spills, as reported by Triton's assembler."""
    source = folder / "kernel.ptx"
    source.write_text(ptx)
    (target,) = re.findall(r"^\.target (\w+)", ptx, re.MULTILINE)
    command = [PTXAS, "-v", f"--gpu-name={target}", source, "-o", folder / "kernel.cubin"]
    log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return max(int(count) for count in re.findall(r"(\d+) bytes spill", log))


def test_products_without_tensor_cores_are_tuned_over_tiles_that_fit_the_registers():
    kernel = TritonConvolution.weight_gradient_kernel
    for precision, most in (("ieee", 32), ("tf32", 128)):
        fitting = kernel.early_config_prune(kernel.configs, {}, PRECISION=precision)
        assert max(setting.kwargs["BLOCK_N"] for setting in fitting) == most
