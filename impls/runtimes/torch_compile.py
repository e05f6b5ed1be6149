"""PyTorch's compiler: ahead of time on a CPU, by ``torch.compile`` on a GPU."""

from collections.abc import Callable
from tempfile import NamedTemporaryFile

import torch
import torch._inductor.package.package  # takes a second
from torch import Tensor, nn

from impls.runtimes.pytorch import build as build_eager


def load(model: bytes, x: Tensor, threads: int) -> Callable[[], Tensor]:
    """Return a call of a package of AOTInductor on ``x``; the number of threads is that of the process."""
    torch.set_num_threads(threads)
    # The compiler need not be tried again: the package is there.
    with NamedTemporaryFile(suffix=".pt2") as file, torch._inductor.config.patch({"cpp.vec_isa_ok": True}):
        file.write(model)
        file.flush()
        run = torch._inductor.aoti_load_package(file.name)

    def call() -> Tensor:
        output: Tensor = run(x)
        return output

    return call


def build(network: nn.Module, x: Tensor, threads: int) -> Callable[[], Tensor]:
    """Return a call of ``network`` under ``torch.compile``, compiled whole and for the shape of ``x``."""
    torch._dynamo.reset()  # otherwise earlier networks count against its limit of recompilations
    call = build_eager(torch.compile(network, fullgraph=True, dynamic=False), x, threads)  # type: ignore[arg-type]
    call()
    return call
