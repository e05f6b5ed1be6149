"""Layers whose groups of outputs each read a set of inputs of their own; the sets may overlap, and differ in size."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Group(NamedTuple):
    """Outputs that read the same inputs."""

    outputs: Sequence[int]
    inputs: Sequence[int]


class DiverseGroups(nn.Module):
    """A convolution or a fully connected layer as one smaller layer for each group: gather, compute, and reorder.

    It computes the same as a dense layer whose other weights are zero (arXiv 2009.13803).

    Args:
        layers: for each group, a layer from its inputs to its outputs.
        inputs: for each group, the indices of its inputs among all channels.
        order: for each output, its index among the outputs of all groups in turn.
        channels: the number of all input channels.
    """

    order: Tensor

    def __init__(self, layers: Sequence[nn.Module], inputs: Sequence[Tensor], order: Tensor, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.ModuleList(layers)
        for index, each in enumerate(inputs):
            self.register_buffer(f"inputs_{index}", each)
        self.register_buffer("order", order)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outputs, ...) of x (n, inputs, ...)."""
        parts = [layer(x.index_select(1, self.get_buffer(f"inputs_{i}"))) for i, layer in enumerate(self.layers)]
        return torch.cat(parts, dim=1).index_select(1, self.order)

    @torch.no_grad()
    def as_dense(self) -> nn.Module:
        """Return the dense layer, with weights of zero, that computes the same."""
        first = self.layers[0]
        assert isinstance(first, (nn.Conv2d, nn.Linear))
        dense = _like(first, self.channels, len(self.order)).to(first.weight.dtype)
        dense.weight.zero_()
        begin = 0
        for index, layer in enumerate(self.layers):
            assert isinstance(layer, (nn.Conv2d, nn.Linear))
            columns, size = self.get_buffer(f"inputs_{index}"), len(layer.weight)
            rows = torch.nonzero((self.order >= begin) & (self.order < begin + size)).flatten()
            rows = rows[torch.argsort(self.order[rows])]
            dense.weight[rows[:, None], columns] = layer.weight
            if layer.bias is not None and dense.bias is not None:
                dense.bias[rows] = layer.bias
            begin += size
        return dense.to(self.order.device)


@torch.no_grad()
def diverse_groups(layer: nn.Conv2d | nn.Linear, groups: Sequence[Group]) -> DiverseGroups:
    """Return a dense layer restricted to groups, each output of which is in exactly one of them.

    Raises:
        ValueError: where an output is in no group or in two, or a group has no inputs.
    """
    outputs = torch.tensor([output for group in groups for output in group.outputs])
    if outputs.sort().values.tolist() != list(range(len(layer.weight))):
        raise ValueError("each output has to be in exactly one group")
    if not all(len(group.inputs) for group in groups):
        raise ValueError("a group needs at least one input")
    layers, inputs = [], []
    for group in groups:
        rows, columns = torch.tensor(group.outputs), torch.tensor(group.inputs)
        small = _like(layer, len(columns), len(rows))
        small.weight.copy_(layer.weight[rows][:, columns])
        if layer.bias is not None and small.bias is not None:
            small.bias.copy_(layer.bias[rows])
        layers.append(small)
        inputs.append(columns)
    return DiverseGroups(layers, inputs, torch.argsort(outputs), layer.weight.shape[1])


def restore_diverse_groups(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Replace the layers of a dense network that ``DiverseGroups`` took the place of, and load all tensors, in place.

    Args:
        network: the dense network.
        tensors: the ``state_dict`` of the other.
    """
    for name in [key.removesuffix(".order") for key in tensors if key.endswith(".order")]:
        parent, _, own_name = name.rpartition(".")
        dense = network.get_submodule(name)
        assert isinstance(dense, (nn.Conv2d, nn.Linear))
        layers: list[nn.Module] = []
        inputs: list[Tensor] = []
        while (columns := tensors.get(f"{name}.inputs_{len(inputs)}")) is not None:
            rows = len(tensors[f"{name}.layers.{len(inputs)}.weight"])
            layers.append(_like(dense, len(columns), rows))
            inputs.append(columns)
        groups = DiverseGroups(layers, inputs, tensors[f"{name}.order"], dense.weight.shape[1])
        setattr(network.get_submodule(parent), own_name, groups)
    network.load_state_dict(dict(tensors))


def _like(layer: nn.Conv2d | nn.Linear, inputs: int, outputs: int) -> nn.Conv2d | nn.Linear:
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return nn.Linear(inputs, outputs, bias)
    assert isinstance(layer.padding, tuple)
    return nn.Conv2d(
        inputs,
        outputs,
        _pair(layer.kernel_size),
        _pair(layer.stride),
        _pair(layer.padding),
        _pair(layer.dilation),
        bias=bias,
    )


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    height, width = values
    return height, width
