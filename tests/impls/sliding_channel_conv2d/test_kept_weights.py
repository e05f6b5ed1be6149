"""Where gradients are off, the layer's native backend keeps weights packed, and notices every change of them."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch

from impls.native.library import unavailable
from impls.sliding_channel_conv2d import SlidingChannelConv2d
from impls.sliding_channel_conv2d.layer.composed import composed

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))


def _in_place(layer: SlidingChannelConv2d, other: SlidingChannelConv2d) -> None:
    layer.weight[-1, -1] += 1


def _through_data(layer: SlidingChannelConv2d, other: SlidingChannelConv2d) -> None:
    layer.weight.data.mul_(2)  # PyTorch's version counter of the tensor does not count this


def _through_numpy(layer: SlidingChannelConv2d, other: SlidingChannelConv2d) -> None:
    layer.weight.detach().numpy()[0] = 3


def _data_replaced(layer: SlidingChannelConv2d, other: SlidingChannelConv2d) -> None:
    layer.weight.data = other.weight.data


def _replaced(layer: SlidingChannelConv2d, other: SlidingChannelConv2d) -> None:
    layer.weight = other.weight


def _loaded(layer: SlidingChannelConv2d, other: SlidingChannelConv2d) -> None:
    layer.load_state_dict(other.state_dict())


def _assigned(layer: SlidingChannelConv2d, other: SlidingChannelConv2d) -> None:
    layer.load_state_dict(other.state_dict(), assign=True)


def _trained(layer: SlidingChannelConv2d, other: SlidingChannelConv2d) -> None:
    optimizer = torch.optim.SGD(layer.parameters(), 1.0)
    with torch.enable_grad():
        layer(torch.ones(1, 8, 3, 3)).sum().backward()
    optimizer.step()


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(
    "change",
    [_in_place, _through_data, _through_numpy, _data_replaced, _replaced, _loaded, _assigned, _trained],
)
def test_a_changed_weight_is_noticed_where_gradients_are_off(
    change: Callable[[SlidingChannelConv2d, SlidingChannelConv2d], None],
    off: Callable[[], AbstractContextManager[None]],
) -> None:
    layer, other = (SlidingChannelConv2d(8, 16, backend="native").eval() for _ in range(2))
    x = torch.randn(2, 8, 3, 3)
    with off():
        before = layer(x)
        torch.testing.assert_close(layer(x), before, rtol=0, atol=0)
    with torch.no_grad():
        change(layer, other)
        expected = composed(x, layer.weight, layer.bias, layer.windows)
    with off():
        after = layer(x)
        torch.testing.assert_close(after, expected)
        assert not torch.equal(after, before)
        expected_other = composed(x, other.weight, other.bias, other.windows)
        torch.testing.assert_close(other(x), expected_other)  # layers of the same windows do not mix
        torch.testing.assert_close(layer(x), after, rtol=0, atol=0)
