"""Networks as ncnn's nets, by pnnx, the converter of ncnn's authors."""

import subprocess
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import pnnx
import torch
from torch import Tensor, nn

from impls.runtimes.dense import dense

STRUCTURE, WEIGHTS = "network.ncnn.param", "network.ncnn.bin"


def convert(network: nn.Module, x: Tensor) -> bytes:
    """Return a network for one image of the size of those in ``x``: its structure, a zero byte, and its weights.

    ncnn computes the images of a batch one by one.
    """
    image = x[:1].contiguous()
    with TemporaryDirectory() as folder, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pnnx reads nothing else that PyTorch saves
        traced = torch.jit.trace(dense(network), image, check_trace=False)  # type: ignore[no-untyped-call]
        traced.save(f"{folder}/network.pt")
        size = ",".join(map(str, image.shape))
        # Not pnnx.export, which also imports the Python code that pnnx writes; a layer named 0 is no valid name in it.
        command = [pnnx.EXEC_PATH, "network.pt", f"inputshape=[{size}]f32", "fp16=0"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        files = [Path(folder, name) for name in (STRUCTURE, WEIGHTS)]
        if done.returncode or not all(file.exists() for file in files):
            raise RuntimeError(f"pnnx failed with status {done.returncode}: {done.stderr[-500:]}")
        structure, weights = (file.read_bytes() for file in files)
    return structure + b"\0" + weights
