"""Residual networks (arXiv 1512.03385), for small images and for ImageNet's."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional

from impls.networks.block import STANDARD, Block
from impls.networks.head import classifier
from impls.networks.width import scale_channels

BOTTLENECK_EXPANSION = 4


class ResidualBlock(nn.Module):
    """``relu(branch(x) + shortcut(x))``; the shortcut is a pointwise convolution where the shape changes."""

    def __init__(self, branch: nn.Sequential, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.branch(x) + self.shortcut(x))


def basic_block(cin: int, width: int, stride: int, block: Block) -> ResidualBlock:
    """Return a residual block whose two 3 x 3 convolutions ``block`` replaces."""
    return _basic(cin, width, stride, block, block)


def basic_block_second_conv(cin: int, width: int, stride: int, block: Block) -> ResidualBlock:
    """Return a residual block whose second 3 x 3 convolution ``block`` replaces, as in DSXplore."""
    return _basic(cin, width, stride, STANDARD, block)


def _basic(cin: int, width: int, stride: int, first: Block, second: Block) -> ResidualBlock:
    branch = nn.Sequential(
        OrderedDict(
            conv1=first.conv3x3(cin, width, stride),
            norm1=nn.BatchNorm2d(width),
            relu1=nn.ReLU(),
            conv2=second.conv3x3(width, width),
            norm2=nn.BatchNorm2d(width),
        )
    )
    return ResidualBlock(branch, cin, width, stride)


def bottleneck(cin: int, width: int, stride: int, block: Block) -> ResidualBlock:
    """Return a residual block whose 3 x 3 convolution, between two pointwise ones, ``block`` decides."""
    cout = BOTTLENECK_EXPANSION * width
    branch = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(cin, width, 1, bias=False),
            norm1=nn.BatchNorm2d(width),
            relu1=nn.ReLU(),
            conv2=block.conv3x3(width, width, stride),
            norm2=nn.BatchNorm2d(width),
            relu2=nn.ReLU(),
            conv3=nn.Conv2d(width, cout, 1, bias=False),
            norm3=nn.BatchNorm2d(cout),
        )
    )
    return ResidualBlock(branch, cin, cout, stride)


def resnet(
    make_block: Callable[[int, int, int, Block], ResidualBlock],
    depths: Sequence[int],
    block: Block = STANDARD,
    num_classes: int = 10,
    in_channels: int = 3,
    width_mult: float = 1,
    base_width: int = 64,
    imagenet_stem: bool = False,
) -> nn.Module:
    """Return a residual network: logits (n, num_classes) of images (n, in_channels, h, w).

    Args:
        make_block: makes one residual block from (cin, width, stride, block).
        depths: residual blocks in each stage; each stage but the first halves the image and doubles the channels.
        block: what takes the place of the 3 x 3 convolutions in residual blocks.
        num_classes: number of logits.
        in_channels: channels of an image.
        width_mult: multiplies the channels of all stages.
        base_width: channels of the first stage.
        imagenet_stem: whether a 7 x 7 convolution and a pooling, each of stride 2, come first instead of a 3 x 3
            convolution.
    """
    cin = scale_channels(base_width, width_mult)
    kernel, stride = (7, 2) if imagenet_stem else (3, 1)
    layers: list[nn.Module] = [nn.Conv2d(in_channels, cin, kernel, stride, kernel // 2, bias=False)]
    layers += [nn.BatchNorm2d(cin), nn.ReLU()]
    if imagenet_stem:
        layers.append(nn.MaxPool2d(3, 2, 1))
    for stage, depth in enumerate(depths):
        for index in range(depth):
            stride = 2 if stage and not index else 1
            unit = make_block(cin, scale_channels(base_width << stage, width_mult), stride, block)
            layers.append(unit)
            cin = _out_channels(unit)
    return nn.Sequential(*layers, *classifier(cin, num_classes))


def _out_channels(unit: ResidualBlock) -> int:
    last = unit.branch[-1]
    assert isinstance(last, nn.BatchNorm2d)
    return last.num_features
