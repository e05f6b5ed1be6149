"""Networks of two layers, as many graph networks are."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from impls.node_classification._layers import Features, Links, dropout


class TwoLayers(nn.Module):
    """last(activation(first(x))) with dropout before each layer; both layers are called with features and links."""

    def __init__(
        self, first: nn.Module, last: nn.Module, dropout: float, activation: Callable[[Tensor], Tensor] = torch.relu
    ) -> None:
        super().__init__()
        self.first, self.last = first, last
        self.dropout, self.activation = dropout, activation

    def forward(self, x: Features, links: Links) -> Tensor:
        a = self.activation(self.first(dropout(x, self.dropout, self.training), links))
        logits: Tensor = self.last(dropout(a, self.dropout, self.training), links)
        return logits
