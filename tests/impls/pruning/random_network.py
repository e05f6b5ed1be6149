"""Small random networks with all that joins channels: sums, concatenations, depthwise convolutions, flattening."""

from random import Random

import torch
from torch import Tensor, nn

SIZE = 6
"""Height and width of an image."""


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(*conv_norm(channels, channels), nn.ReLU(), *conv_norm(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.branch(x))


class Dense(nn.Module):
    def __init__(self, cin: int, grown: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(cin)
        self.conv = nn.Conv2d(cin, grown, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.conv(torch.relu(self.norm(x)))), dim=1)


def conv_norm(cin: int, cout: int, kernel: int = 3, groups: int = 1) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(cin, cout, kernel, padding=kernel // 2, groups=groups, bias=kernel == 1)
    return conv, nn.BatchNorm2d(cout)


def random_network(seed: int) -> nn.Module:
    """Return a network in evaluation mode, in float64, whose batch norms have seen random images."""
    random = Random(seed)
    torch.manual_seed(seed)
    channels = random.randint(3, 8)
    layers: list[nn.Module] = [*conv_norm(2, channels), nn.ReLU()]
    kinds = random.choices(["conv", "pointwise", "depthwise", "residual", "dense"], k=random.randint(1, 5))
    for kind in kinds:
        cout = random.randint(3, 8)
        if kind == "residual":
            layers.append(Residual(channels))
        elif kind == "depthwise":
            layers += [*conv_norm(channels, channels, groups=channels), nn.ReLU()]
        elif kind == "dense":
            layers.append(Dense(channels, cout))
            channels += cout
        else:
            layers += [*conv_norm(channels, cout, kernel=1 if kind == "pointwise" else 3), nn.ReLU()]
            channels = cout
    if random.random() < 0.5 and "dense" not in kinds:
        layers += [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(channels * (SIZE // 2) ** 2, 5)]
    else:
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 7), nn.ReLU(), nn.Linear(7, 5)]
    network = nn.Sequential(*layers)
    network.double()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1  # the statistics of the last images
            nn.init.normal_(layer.weight, 1, 0.3)
            nn.init.normal_(layer.bias, 0, 0.3)
    with torch.no_grad():
        network.train()(images(seed, count=8))
    return network.eval()


def images(seed: int, count: int = 2) -> Tensor:
    return torch.randn(count, 2, SIZE, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
