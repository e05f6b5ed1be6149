"""Reads a model, wherever it comes from."""

from functools import cache
from pathlib import Path

from bench.core.errors import UsageError
from bench.core.layers import InputSize
from impls.models.model import Model

FORMS = "FILE.onnx, torchvision:NAME, or module:function, which returns a torch.nn.Module"
PICKLES = (".pt", ".pth", ".pkl", ".bin", ".ckpt")


@cache
def read_model(source: str, inputs: tuple[InputSize, ...]) -> Model:
    """Return the convolutions of a model.

    Args:
        source: ``FILE.onnx``, ``torchvision:NAME``, or ``module:function`` that returns an ``nn.Module``. Nothing is
            unpickled.
        inputs: the sizes of its inputs, as far as the model leaves them open.

    Raises:
        UsageError: where the model cannot be read, or the size of an input is needed; the message says what to do.
    """
    suffix = Path(source).suffix.lower()
    if suffix == ".onnx":
        from impls.models.onnx_file import read_onnx  # onnx and torch are slow to import, and only needed here

        return read_onnx(Path(source), inputs)
    if suffix in PICKLES:
        raise UsageError(f"{source}: a pickle is never loaded, as it may run any code; give {FORMS}")
    if ":" not in source:
        raise UsageError(f"no model {source!r}; give {FORMS}")
    from impls.models.torch_module import read_torch

    return read_torch(source, inputs)
