"""DenseNet without bottlenecks for small images (arXiv 1608.06993), such as DenseNet-40 with a growth rate of 12."""

import torch
from torch import Tensor, nn

from impls.networks.block import STANDARD, Block
from impls.networks.head import classifier
from impls.networks.width import scale_channels

STEM_CHANNELS = 16


class DenseLayer(nn.Module):
    """Appends ``growth_rate`` channels, computed from all channels before: batch norm, ReLU and a 3 x 3 convolution."""

    def __init__(self, cin: int, growth_rate: int, block: Block) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(cin)
        self.relu = nn.ReLU()
        self.conv = block.conv3x3(cin, growth_rate)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.conv(self.relu(self.norm(x)))), dim=1)


def densenet(
    layers: int,
    growth_rate: int,
    block: Block = STANDARD,
    num_classes: int = 10,
    in_channels: int = 3,
    width_mult: float = 1,
) -> nn.Module:
    """Return a DenseNet of three stages: logits (n, num_classes) of images (n, in_channels, h, w).

    Args:
        layers: layers with weights, 4 more than a multiple of 3, such as 40.
        growth_rate: channels that each layer appends.
        block: what takes the place of the 3 x 3 convolutions that append channels.
        num_classes: number of logits.
        in_channels: channels of an image.
        width_mult: multiplies ``growth_rate`` and the channels of the first convolution.
    """
    cin, growth_rate = scale_channels(STEM_CHANNELS, width_mult), scale_channels(growth_rate, width_mult)
    units: list[nn.Module] = [nn.Conv2d(in_channels, cin, 3, padding=1, bias=False)]
    for stage in range(3):
        if stage:
            units += [nn.BatchNorm2d(cin), nn.ReLU(), nn.Conv2d(cin, cin, 1, bias=False), nn.AvgPool2d(2)]
        for _ in range((layers - 4) // 3):
            units.append(DenseLayer(cin, growth_rate, block))
            cin += growth_rate
    return nn.Sequential(*units, nn.BatchNorm2d(cin), nn.ReLU(), *classifier(cin, num_classes))
