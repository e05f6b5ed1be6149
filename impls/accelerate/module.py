"""Networks that the engine runs."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.node import map_arg
from torch.utils._pytree import tree_unflatten

from impls.accelerate.fuse import fuse
from impls.accelerate.lower import lower
from impls.accelerate.trace import NativePart, TorchPart, Trace, trace
from impls.models.aten import trace_as_convolutions, with_dense_layers
from impls.native.library import kernels, unavailable


def accelerate(
    network: nn.Module, example: Tensor, threads: int | None = None, isa: str | None = None, tuned: bool = True
) -> "AcceleratedNetwork":
    """Return a network for inference on the CPU that computes the same as ``network`` on the project's own kernels.

    Batch norms are folded into convolutions; residual additions and ReLU are computed with them. Activations have the
    same layout in all layers, in memory that is allocated once. PyTorch computes what the engine cannot; see
    ``AcceleratedNetwork.fallbacks``.

    Args:
        network: in evaluation mode, with float32 parameters. It is not changed, and not needed afterwards.
        example: (batch, channels, height, width), float32. Later inputs may have another batch, but no other shape.
        threads: the number of threads; None means as many as PyTorch uses now.
        isa: an instruction set of the native kernels; None means the best of this processor.
        tuned: whether to spend some seconds on timing the ways to compute each layer, and use the fastest.

    Raises:
        ValueError: where the network or a layer of it is in training mode, changes its buffers or cannot be traced for
            any batch, or the example has another shape, dtype or device.
        RuntimeError: where the native kernels are not built, or not for ``isa``.
    """
    if training := [name for name, module in network.named_modules() if module.training]:
        name = f"layer {training[0]} of the network" if training[0] else "the network"
        raise ValueError(f"{name} is in training mode; call the network's eval() first")
    if not isinstance(example, Tensor) or example.dim() != 4 or not example.numel() or not _is_supported(example):
        actual = _describe(example) if isinstance(example, Tensor) else type(example).__name__
        raise ValueError(f"the example must be (batch, channels, height, width), float32, on the CPU, not {actual}")
    if reason := unavailable(isa):
        raise RuntimeError(reason)
    network = with_dense_layers(copy.deepcopy(network)).eval()  # the engine leaves out most weights of zero
    trace_as_convolutions(network)
    threads = torch.get_num_threads() if threads is None else threads
    isa = isa or kernels().isas()[0]
    return AcceleratedNetwork(trace(network, example), tuple(example.shape[1:]), threads, isa, tuned)


class AcceleratedNetwork(nn.Module):
    """A network that the engine runs, as ``accelerate`` returns it."""

    def __init__(self, traced: Trace, shape: tuple[int, ...], threads: int, isa: str, tuned: bool) -> None:
        super().__init__()
        self.training = False
        self._trace = traced
        self._shape = shape
        self._natives = {
            index: lower(fuse(part.segment), threads, isa, tuned)
            for index, part in enumerate(traced.parts)
            if isinstance(part, NativePart)
        }
        for part in traced.parts:
            if isinstance(part, NativePart):
                part.segment.operations.clear()  # the packed weights are all that is needed

    @property
    def fallbacks(self) -> list[str]:
        """The calls that PyTorch computes, each with the reason why the engine cannot."""
        fallbacks = (part for part in self._trace.parts if isinstance(part, TorchPart) and part.reason)
        return [f"{part.node.name}: {part.reason}" for part in fallbacks]

    @property
    def steps(self) -> list[str]:
        """What the engine does, one line for each chain of steps."""
        return [text for native in self._natives.values() for text in native.texts]

    def profile(self, calls: int = 10) -> list[tuple[str, float]]:
        """Return each chain of steps with the time that it takes for one image, the least of some calls, s.

        Chains run in the order of the network, so that caches hold what they would in a call.
        """
        natives = self._natives.values()
        return [pair for native in natives for pair in zip(native.texts, native.seconds(calls), strict=True)]

    def train(self, mode: bool = True) -> "AcceleratedNetwork":
        """Refuse training mode: batch norms are folded.

        Raises:
            ValueError: for training mode.
        """
        if mode:
            raise ValueError("an accelerated network is for inference only; train the network that it was made from")
        return self

    def __getstate__(self) -> Any:
        raise TypeError("an accelerated network cannot be copied or stored; accelerate the network again")

    @torch.no_grad()
    def forward(self, x: Tensor) -> Any:
        """Return the network's output for inputs (batch, channels, height, width), float32, without gradients.

        The input stays as it is. Calls must not overlap.

        Raises:
            ValueError: where the input has another dtype or device, or the example had other channels, height or width.
        """
        if tuple(x.shape[1:]) != self._shape or not _is_supported(x):
            wanted = ", ".join(map(str, self._shape))
            raise ValueError(f"the input must be (batch, {wanted}), float32, on the CPU, not {_describe(x)}")
        tensors = {**self._trace.constants, self._trace.input: x}
        for index, part in enumerate(self._trace.parts):
            if isinstance(part, TorchPart):
                arguments, keywords = map_arg((part.node.args, part.node.kwargs), lambda node: tensors[node.name])
                tensors[part.node.name] = part.node.target(*arguments, **keywords)  # type: ignore[operator]
                continue
            images = [_as_image(tensors[name]) for name in part.inputs]
            for name, flat, array in zip(part.outputs, part.flat, self._natives[index](images), strict=True):
                tensor = torch.from_numpy(array)
                tensors[name] = tensor.flatten(1) if flat else tensor
        outputs = map_arg(self._trace.outputs, lambda node: tensors[node.name])
        return tree_unflatten(outputs, self._trace.structure)


def _is_supported(x: Tensor) -> bool:
    return x.dtype == torch.float32 and x.device.type == "cpu" and x.layout == torch.strided


def _describe(x: Tensor) -> str:
    """Return the shape, dtype and device of a tensor."""
    return f"{tuple(x.shape)}, {str(x.dtype).removeprefix('torch.')}, on {x.device}"


def _as_image(tensor: Tensor) -> Any:
    array = tensor.detach().resolve_neg().numpy()
    return array[:, :, None, None] if array.ndim == 2 else array
