"""The runtimes by their names."""

import importlib.metadata
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from impls.native.library import unavailable as native_kernels_unavailable

if TYPE_CHECKING:  # commands read the names, and importing PyTorch takes long
    from torch import Tensor, nn

    from impls.loaders.layer_times import LayerTimes


class Runtime(NamedTuple):
    """A way to run a network.

    One with a ``converter`` first makes a model of its own format, once, and then loads it in each process. Its module
    has ``load(model, x, threads)``. The module of any other, and of one that runs on a GPU, has
    ``build(network, x, threads)``.
    """

    module: str
    """The module that loads or builds it, relative to ``impls``; imported only where it is used."""
    function: str = "build"
    converter: str = ""
    """The module, relative to ``impls``, whose ``convert(network, x)`` makes its model on a CPU; empty: none needed."""
    takes_isa: bool = False
    """Whether ``convert``, or ``build`` where there is no converter, takes an instruction set as a further argument."""
    channels_last: bool = False
    """Whether its users store images as (batch, height, width, channels)."""
    requires: tuple[str, ...] = ()
    """Distributions that it needs besides PyTorch, as pip names them."""
    targets: tuple[str, ...] = ("cpu", "edge")
    """Kinds of target that it can run on."""
    takes_onnx: bool = False
    """Whether its converter also has ``convert_onnx(model)``, for an ONNX model."""
    has_facts: bool = False
    """Whether ``facts`` of its module says something about a model that was converted, or a call that was built."""
    has_layer_times: bool = False
    """Whether its module has ``layer_times``, on a CPU."""
    needs_kernels: bool = False
    """Whether it runs on the native kernels of this project, which have to be built."""

    def unavailable(self) -> str | None:
        """Return what it lacks, with the command that installs it, or None."""
        if self.needs_kernels and (reason := native_kernels_unavailable()):
            return reason
        missing = [name for name in self.requires if not _installed(name)]
        return f"needs {', '.join(missing)}: pip install {' '.join(missing)}" if missing else None

    def import_module(self) -> ModuleType:
        """Import its module, and with it the runtime's library."""
        return import_module(f"impls.{self.module}")

    def converts(self, device: str = "cpu") -> bool:
        """Whether a network on a device, ``cpu`` or ``cuda``, has to be converted first."""
        return bool(self.converter) and device == "cpu"

    def convert(self, network: "nn.Module | bytes", x: "Tensor", isa: str | None = None) -> bytes:
        """Return ``network`` as a model for inputs of the shape of ``x``, in the format that ``load`` reads.

        Args:
            network: in evaluation mode afterwards; the converter may change it. Or an ONNX model for inputs of that
                shape, where the runtime ``takes_onnx``.
            x: (batch, channels, height, width), float32.
            isa: the instruction set to stay within, such as ``avx2``, for a runtime that has a choice; None: the
                processor's own.

        Raises:
            NotImplementedError: where the network has an operator that the converter does not know.
        """
        options = (isa,) if self.takes_isa else ()
        converter = import_module(f"impls.{self.converter}")
        is_onnx = isinstance(network, bytes)
        model: bytes = converter.convert_onnx(network, *options) if is_onnx else converter.convert(network, x, *options)
        return model

    def load(self, model: bytes, x: "Tensor", threads: int) -> Callable[[], Any]:
        """Return a call without arguments, which computes a converted model on what ``x`` then holds.

        Args:
            model: what ``convert`` returned.
            x: an input of the shape that it was converted for; its memory stays the input's.
            threads: the number of threads to compute with.
        """
        call: Callable[[], Any] = self.import_module().load(model, x, threads)
        return call

    def facts(self, model_or_call: "bytes | Callable[[], Any]") -> Mapping[str, str]:
        """Return facts, by name, about a converted model, or about a built call where there is no converter.

        Most runtimes have none.
        """
        facts: Mapping[str, str] = self.import_module().facts(model_or_call) if self.has_facts else {}
        return facts

    def layer_times(
        self, source: "nn.Module | bytes", x: "Tensor", threads: int, calls: int, isa: str | None = None
    ) -> "LayerTimes":
        """Return each layer with its times in some calls, as the runtime's profiler tells them.

        Args:
            source: what ``convert`` returned, or the network where there is no converter.
            x: as for ``load`` and ``build``.
            threads: the number of threads to compute with.
            calls: the number of calls whose times are returned.
            isa: as for ``build``.
        """
        options = (isa,) if self.takes_isa and not self.converter else ()
        times: LayerTimes = self.import_module().layer_times(source, x, threads, calls, *options)
        return times

    def build(self, network: "nn.Module", x: "Tensor", threads: int, isa: str | None = None) -> Callable[[], Any]:
        """Return a call without arguments, which computes ``network`` on what ``x`` then holds.

        Args:
            network: in evaluation mode afterwards; the runtime may change or copy it.
            x: (batch, channels, height, width), float32; its memory stays the input's.
            threads: the number of threads to compute with.
            isa: as for ``convert``.
        """
        if self.converts(x.device.type):
            return self.load(self.convert(network, x, isa), x, threads)
        options = (isa,) if self.takes_isa and not self.converter else ()
        function = getattr(self.import_module(), self.function)
        call: Callable[[], Any] = function(network, x, threads, *options)
        return call


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


GPU_TOO = ("cpu", "edge", "cuda")

RUNTIMES = {
    "pytorch": Runtime("runtimes.pytorch", targets=GPU_TOO, has_layer_times=True),
    "pytorch_channels_last": Runtime("runtimes.pytorch", "build_channels_last", channels_last=True, targets=GPU_TOO),
    "torch_compile": Runtime(
        "runtimes.torch_compile", converter="runtimes.torch_compile_export", takes_isa=True, targets=GPU_TOO
    ),
    "onnxruntime": Runtime(
        "loaders.onnxruntime",
        converter="runtimes.onnx_export",
        requires=("onnx", "onnxruntime"),
        has_layer_times=True,
        takes_onnx=True,
    ),
    "openvino": Runtime(
        "loaders.openvino",
        converter="runtimes.onnx_export",
        requires=("onnx", "openvino"),
        has_layer_times=True,
        takes_onnx=True,
    ),
    "tflite": Runtime(
        "loaders.tflite",
        converter="runtimes.tflite_export",
        channels_last=True,
        requires=("ai-edge-litert", "tensorflow-cpu"),
    ),
    "ncnn": Runtime("loaders.ncnn", converter="runtimes.ncnn_export", requires=("ncnn", "pnnx")),
    "native": Runtime("runtimes.native", takes_isa=True, has_facts=True, has_layer_times=True, needs_kernels=True),
    "tvm": Runtime(
        "runtimes.tvm",
        converter="runtimes.tvm_export",
        takes_isa=True,
        requires=("onnx", "apache-tvm"),
        takes_onnx=True,
    ),
    "tvm_gspc": Runtime(
        "runtimes.tvm_gspc",
        converter="runtimes.tvm_gspc_export",
        takes_isa=True,
        requires=("onnx", "apache-tvm"),
        takes_onnx=True,
        has_facts=True,
    ),
}
