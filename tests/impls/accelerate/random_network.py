"""Random networks of all operators that the engine computes."""

import random

import torch
from torch import Tensor, nn

from impls.sliding_channel_conv2d.layer.module import SlidingChannelConv2d


class Residual(nn.Module):
    """x + branch(x), with an activation after the sum or without."""

    def __init__(self, branch: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.branch, self.activation = branch, activation

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.activation(x + self.branch(x))
        return output


class Gated(nn.Module):
    """x times a number for each of its channels (squeeze and excitation)."""

    def __init__(self, channels: int, activation: nn.Module) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 3, 1), nn.ReLU(), nn.Conv2d(3, channels, 1), activation
        )

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.gate(x) * x
        return output


class Dense(nn.Module):
    """x and what a branch computes from it, concatenated."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.branch(x)], 1)


class SplitAndShuffle(nn.Module):
    """Half of the channels through a branch, then all shuffled, as in ShuffleNet V2."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=1)
        x = torch.cat([first, self.branch(second)], 1)
        batch, channels, height, width = x.shape
        x = x.view(batch, 2, channels // 2, height, width)
        return torch.transpose(x, 1, 2).contiguous().view(batch, channels, height, width)


class RandomNetwork(nn.Module):
    """A random network and the shape of its inputs; equal seeds give equal networks."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.random = random.Random(seed)
        pick = self.random.choice
        self.shape = (pick([1, 3, 4, 7, 16]), self.random.randint(5, 23), self.random.randint(5, 23))
        layers: list[nn.Module] = []
        channels, self.size = self.shape[0], min(self.shape[1:])
        for _ in range(self.random.randint(2, 7)):
            layer, channels = self._layer(channels)
            layers.append(layer)
        if pick([True, False]):
            layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]
        self.layers = nn.Sequential(*layers)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()  # type: ignore[union-attr]
                module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.layers(x)
        return output

    def _activation(self) -> nn.Module:
        activations = [nn.ReLU(), nn.ReLU6(), nn.Hardswish(), nn.Hardsigmoid(), nn.Sigmoid(), nn.SiLU(), nn.Identity()]
        return self.random.choice(activations)

    def _layer(self, cin: int) -> tuple[nn.Module, int]:
        """Return a layer and the channels of its output."""
        pick = self.random.choice
        cout = pick([cin, 2 * cin, 5, 16, 24, 32, 48])
        kinds = ["convolution", "convolution", "pre-activation", "residual", "gated", "dense", "pool", "pointwise"]
        kinds += ["shuffle"] if cin % 2 == 0 else []
        kinds += ["sliding"] if cin % 4 == 0 else []
        match pick(kinds):
            case "convolution":
                return nn.Sequential(self._convolution(cin, cout, pick([1, 1, 2])), *self._after(cout)), cout
            case "pre-activation":
                return nn.Sequential(nn.BatchNorm2d(cin), nn.ReLU(), self._convolution(cin, cout, 1)), cout
            case "residual":
                branch = nn.Sequential(self._convolution(cin, cin, 1), *self._after(cin), nn.Conv2d(cin, cin, 1))
                return Residual(branch, self._activation()), cin
            case "gated":
                return Gated(cin, self._activation()), cin
            case "dense":
                return Dense(nn.Sequential(*self._after(cin), self._convolution(cin, cout, 1))), cin + cout
            case "pool":
                return self._pool(), cin
            case "pointwise":
                groups = pick([g for g in (1, 2, 4) if cin % g == 0 and cout % g == 0])
                return nn.Sequential(nn.Conv2d(cin, cout, 1, groups=groups), *self._after(cout)), cout
            case "shuffle":
                return SplitAndShuffle(self._convolution(cin // 2, cin // 2, 1)), cin
            case _:
                sliding = SlidingChannelConv2d(cin, cout, pick([2, 4]), pick([0.25, 0.33, 0.5]))
                depthwise = nn.Conv2d(cout, cout, 3, padding=1, groups=cout)
                return nn.Sequential(sliding, *self._after(cout), depthwise), cout

    def _convolution(self, cin: int, cout: int, stride: int) -> nn.Conv2d:
        """Return a convolution of any groups that keeps the size at stride 1."""
        pick = self.random.choice
        kernel = pick([1, 3, 3, 3, 5])
        dilation = pick([1, 1, 1, 2])
        groups = pick([g for g in (1, 1, 2, 4, cin) if cin % g == 0 and cout % g == 0])
        padding = dilation * (kernel - 1) // 2
        return nn.Conv2d(cin, cout, kernel, stride, padding, dilation, groups, bias=pick([True, False]))

    def _after(self, channels: int) -> list[nn.Module]:
        norm = [nn.BatchNorm2d(channels)] if self.random.random() < 0.7 else []
        return [*norm, self._activation()]

    def _pool(self) -> nn.Module:
        pick = self.random.choice
        return pick(
            [
                nn.MaxPool2d(3, pick([1, 2]), 1),
                nn.AvgPool2d(3, pick([1, 2]), 1, count_include_pad=pick([True, False])),
                nn.MaxPool2d(2, 1),
            ]
        )
