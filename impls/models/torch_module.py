"""Reads the convolutions of a PyTorch model, traced with torch.export."""

import difflib
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.fx import Node
from torch.fx.node import map_arg

from bench.core.errors import UsageError
from bench.core.layers import InputSize
from impls.models.aten import arguments_of, operator_of, pair, tensors_of, trace_as_convolutions
from impls.models.model import Convolution, Model, pattern_of
from impls.models.torchvision_models import torchvision_models

TORCHVISION = "torchvision"
TORCHVISION_INPUT = InputSize("", (1, 3, 224, 224))
"""An image as torchvision's classifiers take it, for which no size has to be given."""
CONVOLUTIONS = ("conv2d", "convolution")
OTHER_CONVOLUTIONS = {
    "conv1d": "it is a 1-D convolution",
    "conv3d": "it is a 3-D convolution",
    "conv_transpose1d": "it is a transposed convolution",
    "conv_transpose2d": "it is a transposed convolution",
    "conv_transpose3d": "it is a transposed convolution",
}


def read_torch(source: str, inputs: tuple[InputSize, ...]) -> Model:
    """Return the convolutions of a PyTorch model, see ``create_module``.

    Raises:
        UsageError: where it cannot be made or traced, or the size of its input is needed.
    """
    module = create_module(source)
    return read_module(module, source, inputs or (input_of(source, inputs),))


def input_of(source: str, inputs: tuple[InputSize, ...]) -> InputSize:
    """Return the first of a model's inputs, which has a default for torchvision's models.

    Raises:
        UsageError: where the size of the input is needed.
    """
    if inputs:
        return inputs[0]
    if source.startswith(f"{TORCHVISION}:"):
        return TORCHVISION_INPUT
    raise UsageError(f"{source}: give the size of its input, such as --input-size 1x3x224x224")


def create_module(source: str) -> nn.Module:
    """Return a PyTorch model.

    Args:
        source: ``torchvision:NAME``, one of torchvision's with random weights, or ``module:function``, where the
            function takes no arguments and modules of the current folder are found too.

    Raises:
        UsageError: where there is no such model, or it cannot be made.
    """
    origin, _, name = source.partition(":")
    return _create_torchvision(name) if origin == TORCHVISION else _call_function(origin, name)


def _create_torchvision(name: str) -> nn.Module:
    try:
        models = torchvision_models()
    except ImportError as error:
        raise UsageError(str(error)) from None
    names = models.list_models()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=5) or names[:5]
        raise UsageError(f"torchvision has no model {name!r}; choose from {', '.join(near)} ...")
    parameters = signature(models.get_model_builder(name)).parameters
    none = {parameter: None for parameter in ("weights", "weights_backbone") if parameter in parameters}
    model: nn.Module = models.get_model(name, **none)  # random weights: nothing is downloaded, nor unpickled
    return model


def _call_function(module: str, function: str) -> nn.Module:
    source = f"{module}:{function}"
    with _current_folder_importable():
        try:
            model = getattr(importlib.import_module(module), function)()
        except Exception as error:  # it may be anybody's code
            raise UsageError(f"cannot make model {source}: {type(error).__name__}: {_first_line(error)}") from None
    if not isinstance(model, nn.Module):
        raise UsageError(f"{source} returned {type(model).__name__}; it must return a torch.nn.Module")
    return model


def read_module(model: nn.Module, source: str, inputs: tuple[InputSize, ...]) -> Model:
    """Return the convolutions of a model for inference; ``source`` names it in messages.

    Raises:
        UsageError: where torch.export cannot trace the model for these inputs.
    """
    unnamed = tuple(torch.zeros(size.shape) for size in inputs if not size.name)
    named = {size.name: torch.zeros(size.shape) for size in inputs if size.name}
    trace_as_convolutions(model)
    try:
        with torch.no_grad():
            exported = torch.export.export(model.eval(), unnamed, named)
    except Exception as error:  # whatever the model's own code raises
        sizes = ", ".join(map(str, inputs))
        raise UsageError(
            f"{source} cannot be traced by torch.export for input {sizes}: {type(error).__name__}: {_first_line(error)}"
        ) from None
    return _Trace(exported).read()


class _Trace:
    """Reads the convolutions of a traced model."""

    def __init__(self, exported: ExportedProgram) -> None:
        self.graphs = [
            module.graph for module in exported.graph_module.modules() if isinstance(module, torch.fx.GraphModule)
        ]
        self.tensors = tensors_of(exported)

    def read(self) -> Model:
        model = Model({}, {})
        main, *nested = self.graphs
        for node in main.nodes:
            if operator := operator_of(node):
                name = _module_path(node) or node.name
                if reason := self._why_left_out(operator, node):
                    model.add(name, reason)
                elif operator in CONVOLUTIONS:
                    model.add(name, self._convolution(node))
        for node in (node for graph in nested for node in graph.nodes):
            if operator_of(node) in (*CONVOLUTIONS, *OTHER_CONVOLUTIONS):
                model.add(_module_path(node) or node.name, "it is in a branch, or where autocast is on or off")
        return model

    def _why_left_out(self, operator: str, node: Node) -> str:
        """Return why a convolution is not a 2-D convolution; empty where it is, and for other operators."""
        if operator in OTHER_CONVOLUTIONS:
            return OTHER_CONVOLUTIONS[operator]
        if operator not in CONVOLUTIONS:
            custom = "::" in operator and "conv" in operator
            return f"it is the custom operator {operator}" if custom else ""
        arguments = arguments_of(node)
        if arguments.get("transposed"):
            return "it is a transposed convolution"
        rank = len(_shape(arguments["weight"])) - 2
        return "" if rank == 2 else f"it is a {rank}-D convolution"

    def _convolution(self, node: Node) -> Convolution:
        arguments = arguments_of(node)
        n, cin, h, w = (1, 1, *_shape(arguments["input"]))[-4:]  # it may be a single image
        cout, _, *kernel = _shape(arguments["weight"])
        stride, dilation = pair(arguments["stride"]), pair(arguments["dilation"])
        convolution = Convolution(
            n=n,
            cin=cin,
            cout=cout,
            h=h,
            w=w,
            kernel=(kernel[0], kernel[1]),
            stride=stride,
            padding=_padding(arguments["padding"], kernel, dilation),
            dilation=dilation,
            groups=arguments["groups"],
            bias=arguments["bias"] is not None,
            dtype=_dtype(arguments["input"]),
        )
        if not convolution.is_pointwise:
            return convolution
        try:
            weight = self._value(arguments["weight"])
        except LookupError:  # it depends on the model's input
            return convolution
        return replace(convolution, pattern=pattern_of((weight != 0).numpy()))

    def _value(self, node: Node) -> Any:
        """Return what a node computes from parameters alone, such as a weight times a mask.

        Raises:
            LookupError: where it depends on the model's input.
        """
        if node.op == "placeholder":
            return self.tensors[node.name]
        if node.op != "call_function" or not callable(node.target):
            raise LookupError(node.name)
        arguments, keywords = map_arg((node.args, node.kwargs), self._value)
        with torch.no_grad():
            return node.target(*arguments, **keywords)


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _module_path(node: Node) -> str:
    """Return the path of the innermost module that a node belongs to, e.g. ``features.0.conv``."""
    return next((path for path, _ in reversed(node.meta.get("nn_module_stack", {}).values()) if path), "")


def _padding(padding: Any, kernel: list[int], dilation: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the zeros at the top, bottom, left and right; ``padding`` is one or two numbers, "same" or "valid"."""
    if padding == "same":  # PyTorch puts the odd one at the end
        total = [spread * (taps - 1) for spread, taps in zip(dilation, kernel, strict=True)]
        return total[0] // 2, total[0] - total[0] // 2, total[1] // 2, total[1] - total[1] // 2
    vertical, horizontal = (0, 0) if padding == "valid" else pair(padding)
    return vertical, vertical, horizontal, horizontal


def _shape(node: Any) -> tuple[int, ...]:
    return tuple(map(int, node.meta["val"].shape))


def _dtype(node: Any) -> str:
    return str(node.meta["val"].dtype).removeprefix("torch.")


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__
