"""Networks as ONNX models."""

import io
import warnings

import torch
from torch import Tensor, nn

from impls.runtimes.dense import dense


def convert(network: nn.Module, x: Tensor) -> bytes:
    """Return a network for inputs of the shape of ``x`` as an ONNX model, whose input is ``x`` and output ``y``.

    Sliding-channel convolutions become dense ones with zeros in their weights, since ONNX has no other operator for
    them. Batch norms are folded into the convolutions before them.
    """
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that succeeds this one takes many times as long.
        warnings.simplefilter("ignore", DeprecationWarning)
        names = {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(dense(network), (x,), file, dynamo=False, **names)  # type: ignore[arg-type]
    return file.getvalue()


def convert_onnx(model: bytes) -> bytes:
    """Return an ONNX model as it is."""
    return model
