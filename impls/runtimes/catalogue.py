"""The runtimes by their names."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from torch import Tensor, nn


class Runtime(NamedTuple):
    """A way to run a network."""

    module: str
    """The module of ``impls.runtimes`` that has it; imported only where it is used."""
    function: str = "build"
    channels_last: bool = False
    """Whether its users store images as (batch, height, width, channels)."""
    requires: tuple[str, ...] = ()
    """Distributions that it needs besides PyTorch, as pip names them."""

    def unavailable(self) -> str | None:
        """Return which distribution it lacks, with the command that installs it, or None."""
        missing = [name for name in self.requires if find_spec(name) is None]
        return f"needs {missing[0]}: pip install {missing[0]}" if missing else None

    def build(self, network: nn.Module, x: Tensor, threads: int) -> Callable[[], Any]:
        """Return a call without arguments, which computes ``network`` on what ``x`` then holds.

        Args:
            network: in evaluation mode afterwards; the runtime may change or copy it.
            x: (batch, channels, height, width), float32; its memory stays the input's.
            threads: the number of threads to compute with.
        """
        call: Callable[[], Any] = getattr(import_module(f"impls.runtimes.{self.module}"), self.function)(
            network, x, threads
        )
        return call


RUNTIMES = {
    "pytorch": Runtime("pytorch"),
    "pytorch_channels_last": Runtime("pytorch", "build_channels_last", channels_last=True),
    "onnxruntime": Runtime("onnxruntime", requires=("onnx", "onnxruntime")),
    "openvino": Runtime("openvino", requires=("onnx", "openvino")),
}
