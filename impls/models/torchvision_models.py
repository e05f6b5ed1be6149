"""Imports torchvision, even if it was built for another PyTorch build."""

import importlib
import sys
from contextlib import suppress
from types import ModuleType

import torch


def torchvision_models() -> ModuleType:
    """Import ``torchvision.models``, see ``import_torchvision``."""
    return import_torchvision("models")


def import_torchvision(module: str) -> ModuleType:
    """Import a module of torchvision, even if torchvision was built for another PyTorch build, such as a CUDA one.

    Its compiled operators, which are for detection, then fail to load, but its import refers to two of them. So this
    defines their schemas, without kernels.

    Raises:
        ImportError: if it cannot be imported; the message says what to install.
    """
    try:
        with suppress(RuntimeError):
            return importlib.import_module(f"torchvision.{module}")
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        for operator in ("nms", "qnms"):
            signature = "(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{operator}", signature)
        return importlib.import_module(f"torchvision.{module}")
    except (ImportError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ImportError(
            f"torchvision cannot be used with torch {torch.__version__}: {reason}; install the two that go together"
        ) from None
