"""Every convolution of a PyTorch model is read from its trace."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bench.core.errors import UsageError
from bench.core.layers import InputSize
from impls.grouped_conv2d.workload import GroupedConv2d
from impls.models.model import Model
from impls.models.source import read_model
from impls.models.torch_module import read_module
from impls.models.torchvision_models import torchvision_models
from impls.sliding_channel_conv2d.layer.module import SlidingChannelConv2d as Layer
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2d, SlidingChannelConv2dCase

IMAGE = (InputSize("", (1, 3, 32, 32)),)
NAMES = ("resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "regnet_y_400mf")


def counted_macs(model: nn.Module, image: tuple[int, ...]) -> int:
    """Return the multiply-accumulates of a model's convolutions, as PyTorch counts them while it runs."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model.eval()(torch.zeros(image))
    return int(counter.get_flop_counts()["Global"][torch.ops.aten.convolution]) // 2


@pytest.mark.parametrize("name", NAMES)
def test_macs_of_the_layers_add_up_to_an_independent_count_of_the_model(name: str) -> None:
    cases = GroupedConv2d().layers_of(f"torchvision:{name}", ()).cases
    model = torchvision_models().get_model(name, weights=None)
    assert len(cases) == sum(isinstance(module, nn.Conv2d) for module in model.modules())
    macs = sum(GroupedConv2d().work(case).macs for case in cases.values())
    assert macs == counted_macs(model, (1, 3, 224, 224))


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Conv2d(3, 8, (3, 4), padding="same", dilation=(2, 1))
        self.windows = Layer(8, 16, cg=4, co=0.5)
        self.twice = nn.Conv2d(16, 16, 3, padding=1, groups=4, bias=False)
        self.up = nn.ConvTranspose2d(16, 4, 2)
        self.line = nn.Conv1d(4, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.windows(self.same(x))
        x = self.twice(nn.functional.max_pool2d(self.twice(x), 2))
        return self.line(self.up(x).flatten(2))


@pytest.fixture(scope="module")
def network() -> Model:
    return read_module(Network(), "network", IMAGE)


def test_layers_are_named_by_their_modules_and_counted_as_often_as_they_run(network: Model) -> None:
    assert list(network.convolutions) == ["same", "windows", "twice", "twice (2)"]
    assert [network.convolutions[name].h for name in ("twice", "twice (2)")] == [32, 16]


def test_padding_by_rule_is_as_pytorch_does_it(network: Model) -> None:
    same = network.convolutions["same"]
    assert (same.kernel, same.padding, same.dilation, same.bias) == ((3, 4), (2, 2, 1, 2), (2, 1), True)


def test_other_convolutions_are_left_out_with_their_reason(network: Model) -> None:
    assert network.left_out == {"up": "it is a transposed convolution", "line": "it is a 1-D convolution"}


def test_the_sliding_channel_layer_and_masked_weights_belong_to_its_workload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_network.py").write_text(
        "import torch\n"
        "from torch import nn\n"
        "from impls.sliding_channel_conv2d.layer.module import SlidingChannelConv2d\n"
        "class Masked(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.weight = nn.Parameter(torch.ones(4, 4, 1, 1))\n"
        "        mask = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1]] * 2)\n"
        "        self.register_buffer('mask', mask[:, :, None, None].float())\n"
        "    def forward(self, x):\n"
        "        return nn.functional.conv2d(x, self.weight * self.mask)\n"
        "def make():\n"
        "    layer = SlidingChannelConv2d(8, 4, cg=2, co='1/3', bias=True)\n"
        "    return nn.Sequential(nn.Conv2d(3, 8, 1), layer, Masked())\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_network", raising=False)
    layers = SlidingChannelConv2d().layers_of("own_network:make", IMAGE)
    assert layers.cases == {
        "1": SlidingChannelConv2dCase(cin=8, cout=4, h=32, w=32, cg=2, co="1/3", bias=True),
        "2": SlidingChannelConv2dCase(cin=4, cout=4, h=32, w=32, cg=2, co="0"),
    }


class Regions(nn.Module):
    """A convolution without autocast, one that a custom operator does, and a sliding-channel layer that names how."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.outside = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)
        self.windows = Layer(8, 8, cg=2, backend="sliced_gemm")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):
            y = self.inside(x)
        return self.windows(self.outside(y))


def test_convolutions_in_regions_are_left_out_and_layers_are_read_whatever_computes_them() -> None:
    read = read_module(Regions(), "regions", IMAGE)
    assert list(read.convolutions) == ["outside", "windows"]
    assert list(read.left_out) == ["inside"]


def test_a_model_with_a_backbone_downloads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: pytest.fail("downloads weights"))
    assert len(read_model("torchvision:lraspp_mobilenet_v3_large", ()).convolutions) > 50


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("model.pt", "a pickle is never loaded"),
        ("resnet18", "no model 'resnet18'; give FILE.onnx, torchvision:NAME, or module:function"),
        ("no_such_module:make", "cannot make model no_such_module:make: ModuleNotFoundError"),
        ("math:no_such_function", "AttributeError"),
        ("builtins:dict", "returned dict; it must return a torch.nn.Module"),
        ("torch.nn:Identity", "give the size of its input, such as --input-size 1x3x224x224"),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(source: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as refusal:
        read_model(source, ())
    assert "\n" not in str(refusal.value)


def test_an_unknown_model_of_torchvision_is_refused_with_similar_names() -> None:
    with pytest.raises(UsageError, match=r"no model 'resnet19'; choose from .*resnet18"):
        read_model("torchvision:resnet19", ())


def test_an_input_that_does_not_fit_is_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match=r"cannot be traced by torch\.export for input 1x5x32x32") as refusal:
        read_module(Network(), "network", (InputSize("", (1, 5, 32, 32)),))
    assert "\n" not in str(refusal.value)
