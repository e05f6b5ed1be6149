"""ResNet-8 of MLPerf Tiny's image classification."""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

from impls.networks.block import STANDARD, Block
from impls.networks.head import classifier
from impls.networks.width import scale_channels


class ResNet8Block(nn.Module):
    """A residual block whose standard convolutions have biases and whose shortcut has no batch norm."""

    def __init__(self, cin: int, cout: int, stride: int, block: Block) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            OrderedDict(
                conv1=block.conv3x3(cin, cout, stride, bias=True),
                norm1=nn.BatchNorm2d(cout),
                relu1=nn.ReLU(),
                conv2=block.conv3x3(cout, cout, bias=True),
                norm2=nn.BatchNorm2d(cout),
            )
        )
        self.shortcut = nn.Identity() if stride == 1 else nn.Conv2d(cin, cout, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.branch(x) + self.shortcut(x))


def resnet8(block: Block = STANDARD, num_classes: int = 10, in_channels: int = 3, width_mult: float = 1) -> nn.Module:
    """Return ResNet-8: logits (n, num_classes) of images (n, in_channels, h, w).

    The block takes the place of the convolutions in its three residual blocks.
    """
    cin = scale_channels(16, width_mult)
    units: list[nn.Module] = [nn.Conv2d(in_channels, cin, 3, padding=1), nn.BatchNorm2d(cin), nn.ReLU()]
    for stage, stride in ((16, 1), (32, 2), (64, 2)):
        cout = scale_channels(stage, width_mult)
        units.append(ResNet8Block(cin, cout, stride, block))
        cin = cout
    return nn.Sequential(*units, *classifier(cin, num_classes))
