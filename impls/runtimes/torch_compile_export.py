"""Networks compiled ahead of time by PyTorch's compiler, Inductor."""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

CONFIGURATION = {"freezing": True}
"""Weights are constants, so batch norms are folded into convolutions, and weights packed, at compile time."""


def convert(network: nn.Module, x: Tensor, isa: str | None) -> bytes:
    """Return a network for inputs of the shape of ``x`` as a package of AOTInductor, with code for this machine.

    Args:
        network: the network.
        x: (batch, channels, height, width), in the memory order that calls will have.
        isa: not used, since the environment of the process caps what PyTorch compiles for.
    """
    network.eval().requires_grad_(False)
    with TemporaryDirectory() as folder, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of PyTorch's own code
        exported = torch.export.export(network, (x,))
        package = torch._inductor.aoti_compile_and_package(
            exported, package_path=str(Path(folder) / "network.pt2"), inductor_configs=CONFIGURATION
        )
        return Path(package).read_bytes()
